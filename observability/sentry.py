"""Errors and a sample of transactions to Sentry, where SENTRY_DSN is set.

Web processes score, so nothing of Sentry runs there while all goes well: its Django integration costs a request 0.3 to
0.4 ms, errors or not. What becomes a 500 is captured when Django says so, in the API and in the admin alike, with what
is bound about the request as tags. Workers and beat, where a millisecond does not matter, get the SDK's integrations.
"""

import sys
from typing import Any, Final

import sentry_sdk
from celery.signals import task_prerun
from django.conf import settings
from django.core.signals import got_request_exception
from django.http import HttpRequest
from prometheus_client import Counter
from sentry_sdk.integrations import Integration
from sentry_sdk.integrations.atexit import AtexitIntegration
from sentry_sdk.integrations.celery import CeleryIntegration
from sentry_sdk.integrations.dedupe import DedupeIntegration
from sentry_sdk.integrations.excepthook import ExcepthookIntegration
from sentry_sdk.integrations.logging import LoggingIntegration
from sentry_sdk.integrations.threading import ThreadingIntegration
from sentry_sdk.transport import HttpTransport
from sentry_sdk.types import Event, Hint

from gameproject.lib import redaction, request_context
from observability import sentry_breadcrumbs, sentry_rules

# What may quote somebody. Not all of an event: the SDK's own `public_key` is needed and no secret.
SCRUBBED: Final = frozenset({"breadcrumbs", "exception", "extra", "logentry", "message", "request", "tags"})
LOST: Final = frozenset({"network_error", "queue_overflow", "ratelimit_backoff", "send_error"})
LEAN: Final[tuple[type[Integration], ...]] = (
    AtexitIntegration,
    DedupeIntegration,
    ExcepthookIntegration,
    ThreadingIntegration,
)

EVENTS = Counter(
    "scoring_sentry_events_total",
    "Errors given to Sentry (`sent`), dropped by our rules (`dropped`), and whatever never arrived (`lost`).",
    ["action"],
)
_sent, _dropped, _lost = (EVENTS.labels(action) for action in ("sent", "dropped", "lost"))


def start(role: str) -> None:
    """Begin to send, where a DSN is set. Called once in a process, when it starts."""
    if not settings.SENTRY_DSN:
        return
    integrations = [integration() for integration in LEAN]
    if role == "web":
        sentry_breadcrumbs.keep()
        got_request_exception.connect(_capture)
    else:
        integrations += [CeleryIntegration(), LoggingIntegration(event_level=None)]
        task_prerun.connect(_describe_task)
    sentry_sdk.init(
        dsn=settings.SENTRY_DSN,
        environment=settings.SENTRY_ENVIRONMENT,
        release=settings.VERSION,
        send_default_pii=False,
        include_local_variables=False,  # those of a request hold its key and its event
        max_request_body_size="never",
        default_integrations=False,
        auto_enabling_integrations=False,
        integrations=integrations,
        traces_sampler=sentry_rules.traces_sampler,
        profiles_sample_rate=settings.SENTRY_PROFILES_SAMPLE_RATE,
        before_send=_before_send,
        before_send_transaction=_scrub,
        transport=_CountingTransport,
    )
    sentry_sdk.get_global_scope().set_tag("role", role)


def _capture(request: HttpRequest | None = None, **_: object) -> None:
    """Send what is about to become a 500."""
    error = sys.exc_info()[1]
    if error is None or request is None:
        return
    with sentry_sdk.isolation_scope() as scope:
        describe(scope, request)
        for breadcrumb in sentry_breadcrumbs.of_request(request_context.bound().get("request_id", "")):
            scope.add_breadcrumb(breadcrumb)
        scope.capture_exception(error)


def _describe_task(**_: object) -> None:
    """Tag what the task will send: its transaction ends when the context is cleared already."""
    sentry_sdk.get_isolation_scope().set_tags(request_context.bound())


def describe(scope: sentry_sdk.Scope, request: HttpRequest) -> None:
    """Say which request it was: its route, not its path, which names players."""
    match = request.resolver_match
    scope.set_tag("endpoint", match.route if match else "none")
    scope.set_tag("method", request.method or "")
    scope.set_context(
        "request", {"query": sorted(request.GET), "content_length": request.META.get("CONTENT_LENGTH")}
    )


def _before_send(event: Event, hint: Hint) -> Event | None:
    if sentry_rules.reason_to_drop(event, hint) is not None:
        _dropped.inc()
        return None
    _sent.inc()
    return _scrub(event, hint)


def _scrub(event: Event, _hint: Hint) -> Event:
    """Add who acted in which request, and blot out secrets wherever they lie."""
    bound = request_context.bound()
    tags: dict[str, Any] = {**(event.get("tags") or {}), **bound}
    user = bound.get("staff_user") or bound.get("oauth_user_id") or bound.get("api_key")
    if user:
        event["user"] = {"id": user}
    event["tags"] = tags
    scrubbed = {key: redaction.redact(value) for key, value in event.items() if key in SCRUBBED}
    return {**event, **scrubbed}  # type: ignore[typeddict-item]  # each as it was


class _CountingTransport(HttpTransport):
    """Counts what never arrives: Sentry away, or refusing more."""

    def record_lost_event(
        self, reason: str, data_category: Any = None, item: Any = None, *, quantity: int = 1
    ) -> None:
        if reason in LOST:
            _lost.inc()
        super().record_lost_event(reason, data_category, item, quantity=quantity)
