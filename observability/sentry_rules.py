"""What Sentry is not to hear of, as a table; and which requests are worth a transaction."""

import random
from collections.abc import Callable, Mapping
from typing import Any, Final

from celery.exceptions import Ignore, Reject, Retry
from django.conf import settings
from django.core.exceptions import PermissionDenied, SuspiciousOperation
from django.http import Http404, UnreadablePostError
from rest_framework.exceptions import APIException
from sentry_sdk.types import Event, Hint

from gameproject.lib.errors import DomainError

# Nobody reads a thousand transactions of these.
UNTRACED: Final = ("/healthz", "/readyz", "/metrics", "/static/", "/favicon.ico")
DRAWN: Final = "sentry.drawn"
UNTRACED_TASKS: Final = ("observability.tasks.heartbeat",)


def _is(*kinds: type[BaseException]) -> Callable[[Event, BaseException | None], bool]:
    return lambda _event, error: isinstance(error, kinds)


def _is_health_check(event: Event, _error: BaseException | None) -> bool:
    endpoint = str((event.get("tags") or {}).get("endpoint", ""))
    return f"/{endpoint}" in {"/healthz", "/readyz", "/metrics"}


# By name, for those who wonder where an error is: why it is not in Sentry, and how it is known.
DROPPED: Final[Mapping[str, Callable[[Event, BaseException | None], bool]]] = {
    "not found": _is(Http404),
    "health check": _is_health_check,
    # Validation, authentication, permission, throttles, deadlines: what the caller is told how to deal with.
    "expected refusal": _is(DomainError, APIException),
    "permission": _is(PermissionDenied),
    "malformed request": _is(SuspiciousOperation),
    "client gone": _is(UnreadablePostError, BrokenPipeError, ConnectionResetError, ConnectionAbortedError),
    "task given back": _is(Reject, Retry, Ignore),
    "stopped": _is(KeyboardInterrupt, SystemExit),
}


def reason_to_drop(event: Event, hint: Hint) -> str | None:
    """Return the name of the rule by which an event is not sent, if there is one."""
    error = (hint.get("exc_info") or (None, None, None))[1]
    return next((name for name, applies in DROPPED.items() if applies(event, error)), None)


def traces_sampler(context: Mapping[str, Any]) -> float:
    """Return the share of transactions like this one that are sent."""
    name = str(context.get("transaction_context", {}).get("name", ""))
    return 0.0 if name in UNTRACED_TASKS else rate_of_path(name)


def rate_of_path(path: str) -> float:
    """Return the share of requests to a path that become transactions."""
    return 0.0 if path.startswith(UNTRACED) else settings.SENTRY_TRACES_SAMPLE_RATE


def is_drawn(environ: dict[str, Any]) -> bool:
    """Say whether a request is of the sample. Drawn once, by whoever asks first."""
    if DRAWN not in environ:
        environ[DRAWN] = random.random() < rate_of_path(environ["PATH_INFO"])  # noqa: S311  # a sample
    drawn: bool = environ[DRAWN]
    return drawn
