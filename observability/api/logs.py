"""The audit trail of the key's own realm, newest first."""

import uuid
from collections.abc import Mapping
from typing import ClassVar, Final

import msgspec
from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from gameproject.lib import clock
from gameproject.lib.errors import BadRequest, JsonDict, Unavailable
from gameproject.lib.looking import look_for_page
from gameproject.lib.openapi import endpoint
from gameproject.lib.postgresql.timeouts import StatementTimeout, statement_timeout
from gameproject.lib.windows import rows_between
from observability.audit_events import EVENTS
from observability.models import Logs
from strategies.api.base import ApiView, json_response
from strategies.api.pages import PAGE_PARAMETERS
from strategies.api.score_list import STATEMENT_TIMEOUT_SECONDS, read_time
from strategies.models.tenancy import Scope

TIMES: Final = {
    "since": "Not before this time: ISO 8601 with a time zone.",
    "until": "Before this time: ISO 8601 with a time zone.",
}
# What is asked for exactly, and the column that it is compared with.
EXACT: Final = {"requestId": "request_id", "subject": "subject", "event": "event"}
KNOWN: Final = {*TIMES, *EXACT, "limit", "cursor"}
# An event's index is of all realms.
INDEXED: Final = ("request_id", "subject")


class LogAnswer(msgspec.Struct, rename="camel", kw_only=True):
    """One thing that was done. `hash` seals the entry and, by `previousHash`, all before it in the realm."""

    log_id: uuid.UUID
    sequence: int
    event: str
    level: str
    module: str
    message: str
    subject: str
    details: JsonDict
    actor: str
    request_id: str
    created_at: str
    previous_hash: str
    hash: str


class LogPage(msgspec.Struct, rename="camel"):
    """`lookedBackTo`: the page ends there for so many entries were looked at; `nextCursor` goes on from there."""

    items: list[LogAnswer]
    next_cursor: str | None
    looked_back_to: str | None


class LogsView(ApiView):
    # Who holds the keys may see what was done with them; who only reads scores may not.
    scopes: ClassVar[dict[str, str]] = {"GET": Scope.OPERATE}

    @endpoint(
        name="listLogs",
        summary="List what was done in the realm, newest first",
        tag="Observability",
        scope="operate",
        answers={200: LogPage},
        errors={503: ["QUERY_TOO_WIDE"]},
        parameters=[
            OpenApiParameter("event", str, enum=sorted(EVENTS)),
            OpenApiParameter("requestId", str, description="The id of a request."),
            OpenApiParameter(
                "subject", str, description="What it was done to, such as `strategy:` and a UUID."
            ),
            *(
                OpenApiParameter(name, {"type": "string", "format": "date-time"}, description=words)
                for name, words in TIMES.items()
            ),
            *PAGE_PARAMETERS,
        ],
    )
    def get(self, request: Request) -> HttpResponse:
        rows, wanted = asked_for(self.principal.realm_id, request.query_params)
        try:
            with statement_timeout(STATEMENT_TIMEOUT_SECONDS):
                found = look_for_page(request, rows, wanted, indexed=INDEXED)
        except StatementTimeout:
            raise Unavailable(
                "Too many entries had to be looked at. Name a request, a subject or a time.",
                code="QUERY_TOO_WIDE",
            ) from None
        items = [_answer(row) for row in found.rows]
        return json_response(LogPage(items, found.next_cursor, found.looked_back_to))


def asked_for(realm_id: uuid.UUID, given: Mapping[str, str]) -> tuple[QuerySet[Logs], JsonDict]:
    """Return the audit rows of a realm and a time, and what their columns are to be. Raises BadRequest."""
    unknown = sorted(set(given) - KNOWN)
    if unknown:
        raise BadRequest(
            f"There is no filter {unknown[0]!r}. There are: {', '.join(sorted(KNOWN))}.", code="QUERY_INVALID"
        )
    if any("\0" in value for value in given.values()):
        raise BadRequest("A filter holds a NUL character.", code="QUERY_INVALID")
    if "event" in given and given["event"] not in EVENTS:
        raise BadRequest(f"event is one of {', '.join(sorted(EVENTS))}.", code="QUERY_INVALID")
    rows = Logs.objects.filter(realm_id=realm_id)
    rows = rows_between(rows, read_time("since", given), read_time("until", given))
    return rows, {column: given[name] for name, column in EXACT.items() if name in given}


def _answer(row: Logs) -> LogAnswer:
    return LogAnswer(
        log_id=row.pk,
        sequence=row.sequence,
        event=row.event,
        level=row.level,
        module=row.module,
        message=row.message,
        subject=row.subject,
        details=row.details,
        actor=row.actor,
        request_id=row.request_id,
        created_at=clock.iso(row.created_at),
        previous_hash=bytes(row.previous_hash).hex(),
        hash=bytes(row.hash).hex(),
    )
