"""What a request logged before it failed. Kept for the whole process and found by request id: costs nothing else."""

import logging
from collections import deque
from collections.abc import Iterator
from typing import Any, Final

from gameproject.lib import redaction, request_context

KEPT_RECORDS: Final = 200

_recent: deque[tuple[str, dict[str, Any]]] = deque(maxlen=KEPT_RECORDS)


class RecentRecords(logging.Handler):
    """Keeps the newest records that belong to a request."""

    def emit(self, record: logging.LogRecord) -> None:
        request_id = request_context.bound().get("request_id")
        if request_id is not None:
            _recent.append((request_id, _breadcrumb(record)))


def keep() -> None:
    """Begin to keep records. Called once in a web process."""
    logging.getLogger().addHandler(RecentRecords())


def of_request(request_id: str) -> Iterator[dict[str, Any]]:
    """Return a request's records as breadcrumbs, oldest first."""
    return (breadcrumb for owner, breadcrumb in list(_recent) if owner == request_id)


def _breadcrumb(record: logging.LogRecord) -> dict[str, Any]:
    return {
        "type": "log",
        "level": record.levelname.lower(),
        "category": record.name,
        "message": redaction.redact_text(record.getMessage()),
    }
