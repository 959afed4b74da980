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
from gameproject.lib.api import cut_page
from gameproject.lib.errors import BadRequest, JsonDict
from gameproject.lib.openapi import endpoint
from gameproject.lib.windows import rows_between
from observability.audit_events import EVENTS
from observability.models import Logs
from strategies.api.base import ApiView, json_response
from strategies.api.pages import PAGE_PARAMETERS
from strategies.api.score_list import read_time
from strategies.models.tenancy import Scope

TIMES: Final = {
    "since": "Not before this time: ISO 8601 with a time zone.",
    "until": "Before this time: ISO 8601 with a time zone.",
}
# What is asked for exactly, and the column that it is compared with.
EXACT: Final = {"requestId": "request_id", "subject": "subject"}
KNOWN: Final = {"event", *TIMES, *EXACT, "limit", "cursor"}


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
    items: list[LogAnswer]
    next_cursor: str | None


class LogsView(ApiView):
    # Who holds the keys may see what was done with them; who only reads scores may not.
    scopes: ClassVar[dict[str, str]] = {"GET": Scope.OPERATE}

    @endpoint(
        name="listLogs",
        summary="List what was done in the realm, newest first",
        tag="Observability",
        scope="operate",
        answers={200: LogPage},
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
        found, next_cursor = cut_page(request, filtered(self.principal.realm_id, request.query_params))
        return json_response(LogPage([_answer(row) for row in found], next_cursor))


def filtered(realm_id: uuid.UUID, given: Mapping[str, str]) -> QuerySet[Logs]:
    """Return the audit rows that a query asks for. Raises BadRequest."""
    unknown = sorted(set(given) - KNOWN)
    if unknown:
        raise BadRequest(
            f"There is no filter {unknown[0]!r}. There are: {', '.join(sorted(KNOWN))}.", code="QUERY_INVALID"
        )
    if any("\0" in value for value in given.values()):
        raise BadRequest("A filter holds a NUL character.", code="QUERY_INVALID")
    rows = Logs.objects.filter(realm_id=realm_id)
    if "event" in given:
        if given["event"] not in EVENTS:
            raise BadRequest(f"event is one of {', '.join(sorted(EVENTS))}.", code="QUERY_INVALID")
        rows = rows.filter(event=given["event"])
    rows = rows.filter(**{column: given[name] for name, column in EXACT.items() if name in given})
    return rows_between(rows, read_time("since", given), read_time("until", given))


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
