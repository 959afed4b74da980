"""Log records as lines: JSON for collectors, text for people, ours and every library's by the same chain.

Modules log with the standard library (`logging.getLogger(__name__)`). The chain adds who acts and in which request, and
blots out secrets. It must work without Django: granian's main process uses it too (gameproject/granian_logs.json).
"""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any, Final

import structlog
from structlog.tracebacks import ExceptionDictTransformer
from structlog.types import EventDict, Processor

from gameproject.lib.redaction import REDACTED, is_secret, redact, redact_text

FIRST: Final = ("timestamp", "level", "logger", "event")
# What an event or a run rests on may hold anything about a person.
EVENT_DATA: Final = frozenset({"data", "facts", "variables", "event_data"})
MAX_FRAMES: Final = 30


def formatter(rendered_as: str) -> logging.Formatter:
    """Return the formatter for `json` or `console`; called by name from the settings. Raises ValueError."""
    if rendered_as not in _RENDERING:
        raise ValueError(f"LOG_FORMAT={rendered_as!r}: json or console was expected")
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*_CHAIN, structlog.stdlib.ExtraAdder(), without_leftovers],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_RENDERING[rendered_as]],
    )


def json_formatter() -> logging.Formatter:
    """Return the formatter for `json`; called by name from granian's configuration, which cannot pass arguments."""
    return formatter("json")


def lead_others_into_the_chain() -> None:
    """Send warnings, and what is logged through `structlog.get_logger()`, the same way."""
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *_CHAIN,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


def without_leftovers(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """Remove what the formatters of other handlers have left on a record: it looks like something added to it."""
    for key in ("message", "asctime"):
        event.pop(key, None)
    return event


def without_secrets(_logger: Any, _name: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
    """Blot out secrets and event data, in the message, in what was added to it and in tracebacks."""
    return {
        key: REDACTED if key in EVENT_DATA or is_secret(key) else redact(value)
        for key, value in event.items()
    }


def in_order(_logger: Any, _name: str, event: EventDict) -> EventDict:
    """Put what every line has at its beginning, for people who read JSON."""
    return {key: event[key] for key in (*FIRST, *event) if key in event}


def _text(value: object) -> str:
    return redact_text(repr(value))


_CHAIN: Final[list[Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]
_RENDERING: Final[dict[str, list[Processor]]] = {
    "json": [
        # Without local variables: those of a request hold its key and its event.
        structlog.processors.ExceptionRenderer(
            ExceptionDictTransformer(show_locals=False, max_frames=MAX_FRAMES)
        ),
        without_secrets,
        in_order,
        structlog.processors.JSONRenderer(default=_text),
    ],
    "console": [
        without_secrets,
        structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        ),
    ],
}
