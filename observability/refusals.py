"""Failed log-ins and denied access: counted by minute and source, then one audit row each in the global chain.

A row for each refusal would let anybody make the trail grow at will. The counts lie in a table, so all processes count
together and nothing is lost when one of them dies; beat turns finished minutes into rows.
"""

import logging
import uuid
from typing import Any, Final

from django.conf import settings
from django.db import DatabaseError, connection, transaction
from django.http import HttpRequest, HttpResponse

from gameproject import errors
from gameproject.lib import api, request_context
from gameproject.lib.errors import Forbidden, NotFound
from observability import audit
from strategies.models import Game, Score, Strategy, Task

logger = logging.getLogger(__name__)

LOGIN_FAILED: Final = "login.failed"
ACCESS_DENIED: Final = "access.denied"
OTHERS: Final = "others"
MAX_SOURCES: Final = 50  # a minute; who comes from more addresses than that is counted as one
COUNT: Final = """
WITH this_minute AS (SELECT source FROM observability_refusalcount WHERE minute = date_trunc('minute', now()))
INSERT INTO observability_refusalcount AS counted (minute, event, source, n)
SELECT date_trunc('minute', now()), %(event)s, CASE
    WHEN %(source)s IN (SELECT source FROM this_minute) OR (SELECT count(*) FROM this_minute) < %(max_sources)s
    THEN %(source)s ELSE %(others)s END, 1
ON CONFLICT (minute, event, source) DO UPDATE SET n = counted.n + 1
"""
TAKE: Final = """
DELETE FROM observability_refusalcount WHERE minute < date_trunc('minute', now())
RETURNING minute, event, source, n
"""


# ── Count ────────────────────────────────────────────────────────────────────────────────────────
def count(event: str, source: str) -> None:
    """Count a refusal. Where the database is away it is not counted: the answer must not suffer."""
    values: dict[str, str | int] = {
        "event": event,
        "source": source[:200],
        "max_sources": MAX_SOURCES,
        "others": OTHERS,
    }
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(COUNT, values)
    except DatabaseError as error:
        logger.warning("a refusal was not counted: %s", error)


def count_failed_login(*, request: HttpRequest | None = None, **_: object) -> None:
    """Count by address alone: what was typed as a name may have been the password."""
    count(LOGIN_FAILED, "unknown" if request is None else address_of(request))


def address_of(request: HttpRequest) -> str:
    """Return the client's address; behind a proxy the one that the proxy names, last in its header."""
    forwarded: str = request.META.get("HTTP_X_FORWARDED_FOR", "") if settings.SECURE_PROXY_SSL_HEADER else ""
    return forwarded.rpartition(",")[2].strip() or str(request.META.get("REMOTE_ADDR", "unknown"))


def handle_exception(exc: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Answer as the API does, and count what was denied (REST framework's EXCEPTION_HANDLER)."""
    principal = getattr(context["view"], "principal", None)
    if principal is not None and _is_denial(exc, principal.realm_id, context["view"].kwargs):
        count(ACCESS_DENIED, f"key {principal.prefix}")
    return api.handle_exception(exc, context)


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403 as everywhere, and count it for who is logged in (Django's handler403)."""
    staff_user = request_context.bound().get("staff_user")
    if staff_user:
        count(ACCESS_DENIED, f"staff {staff_user}")
    return errors.permission_denied(request, exception)


def _is_denial(exc: Exception, realm_id: uuid.UUID, names: dict[str, object]) -> bool:
    if isinstance(exc, Forbidden):
        return True
    return isinstance(exc, NotFound) and any(_is_of_another_realm(name, realm_id) for name in names.values())


def _is_of_another_realm(name: object, realm_id: uuid.UUID) -> bool:
    """Tell a probe from a slip: only an id can name what is another realm's."""
    try:
        pk = name if isinstance(name, uuid.UUID) else uuid.UUID(str(name))
        rows = (
            model._default_manager.filter(pk=pk).exclude(realm_id=realm_id)  # noqa: SLF001  # Django's documented way
            for model in (Game, Task, Strategy, Score)
        )
        return any(found.exists() for found in rows)
    except (ValueError, DatabaseError):
        return False


# ── Record ───────────────────────────────────────────────────────────────────────────────────────
@transaction.atomic
def record_finished_minutes() -> int:
    """Write an audit row for each source of each finished minute; return how many.

    Of two who do it at once each gets other counts: a row is deleted by one only.
    """
    with connection.cursor() as cursor:
        cursor.execute(TAKE)
        taken = sorted(cursor.fetchall())
    for minute, event, source, n in taken:
        audit.record(
            event=event,
            message=f"{'Failed log-ins' if event == LOGIN_FAILED else 'Denied access'}: {n} by {source}.",
            realm_id=None,
            module=__name__,
            level="warning",
            minute=minute,
            source=source,
            n=n,
        )
    return len(taken)
