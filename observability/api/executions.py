"""Executions over the API: found, read, and run again."""

import uuid
from typing import Annotated, ClassVar, Final

import msgspec
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from rest_framework.request import Request

from gameproject.lib.body import Body
from gameproject.lib.errors import BadRequest, Unavailable
from gameproject.lib.looking import look_for_page
from gameproject.lib.openapi import endpoint
from gameproject.lib.postgresql.timeouts import StatementTimeout, statement_timeout
from observability import executions, replaying, requests
from observability.api.execution_answers import (
    ExecutionPage,
    ReplayAnswer,
    TracesAnswer,
    WholeExecution,
    execution_answer,
    replay_answer,
    whole_answer,
)
from observability.api.execution_filters import INDEXED, PARAMETERS, asked_for
from observability.models import StrategyExecutionLog
from strategies import selectors
from strategies.api.base import ApiView, json_response
from strategies.api.pages import PAGE_PARAMETERS
from strategies.api.score_list import STATEMENT_TIMEOUT_SECONDS
from strategies.models import Score
from strategies.models.tenancy import Scope

TAG: Final = "Executions"
EXECUTION_NOT_FOUND: Final = "EXECUTION_NOT_FOUND"


class ReplayBody(Body):
    """`version`: a number of the execution's strategy, a draft's too; its own if left out."""

    version: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None


class ExecutionsView(ApiView):
    @endpoint(
        name="listExecutions",
        summary="List runs that were kept, newest first",
        tag=TAG,
        scope="read",
        answers={200: ExecutionPage},
        errors={
            404: ["GAME_NOT_FOUND", "TASK_NOT_FOUND", "STRATEGY_NOT_FOUND", "VERSION_NOT_FOUND"],
            503: ["QUERY_TOO_WIDE"],
        },
        parameters=[*PARAMETERS, *PAGE_PARAMETERS],
    )
    def get(self, request: Request) -> HttpResponse:
        rows, wanted = asked_for(self.principal.realm_id, request.query_params)
        rows = executions.with_names(rows.defer(*executions.LARGE))
        try:
            with statement_timeout(STATEMENT_TIMEOUT_SECONDS):
                found = look_for_page(request, rows, wanted, indexed=INDEXED)
        except StatementTimeout:
            raise too_wide() from None
        items = [execution_answer(row) for row in found.rows]
        return json_response(ExecutionPage(items, found.next_cursor, found.looked_back_to))


class ExecutionView(ApiView):
    @endpoint(
        name="getExecution",
        summary="A run with its inputs and its trace",
        tag=TAG,
        scope="read",
        answers={200: WholeExecution},
        errors={404: [EXECUTION_NOT_FOUND]},
    )
    def get(self, request: Request, execution: uuid.UUID) -> HttpResponse:
        return json_response(whole_answer(executions.of_realm(self.principal.realm_id, execution)))


class ReplayView(ApiView):
    scopes: ClassVar[dict[str, str]] = {"POST": Scope.OPERATE}

    @endpoint(
        name="replayExecution",
        summary="Run it again, by its own version or another one",
        tag=TAG,
        scope="operate",
        body=ReplayBody,
        answers={200: ReplayAnswer},
        errors={
            404: [EXECUTION_NOT_FOUND, "VERSION_NOT_FOUND"],
            409: ["STRATEGY_ARCHIVED", "STRATEGY_NOT_PUBLISHED"],
            422: ["PROGRAM_INVALID"],
        },
        details="Stores no score and counts nowhere; it leaves a row in the audit trail.",
        examples=[
            OpenApiExample("By its own version", value={}, request_only=True),
            OpenApiExample("By another one", value={"version": 2}, request_only=True),
        ],
    )
    def post(self, request: Request, execution: uuid.UUID) -> HttpResponse:
        body = self.read(ReplayBody)
        row = executions.of_realm(self.principal.realm_id, execution)
        own = getattr(row, "version_number")  # noqa: B009  # of `with_names`
        version = selectors.version_by_number(row.strategy, body.version or own)
        return json_response(replay_answer(row, replaying.replay(row, version)))


class TracesView(ApiView):
    @endpoint(
        name="listTraces",
        summary="The traces of a request, or why there are none",
        tag=TAG,
        scope="read",
        answers={200: TracesAnswer},
        parameters=[
            OpenApiParameter(
                "requestId",
                {"type": "string", "minLength": 1, "maxLength": 64},
                required=True,
                description="As `X-Request-ID` said.",
            )
        ],
    )
    def get(self, request: Request) -> HttpResponse:
        request_id = request.query_params.get("requestId", "")
        if not request_id or len(request_id) > 64 or "\0" in request_id or len(request.query_params) > 1:
            raise BadRequest(
                "requestId is the id of a request, and all that is asked for.", code="QUERY_INVALID"
            )
        of_request = {"realm_id": self.principal.realm_id, "request_id": request_id}
        traced = StrategyExecutionLog.objects.filter(**of_request)
        found = list(executions.with_names(traced).order_by("pk")[: requests.MAX_ROWS])
        scores = list(Score.objects.filter(**of_request).order_by("pk")[: requests.MAX_ROWS])
        reasons = list(requests.why_untraced(scores, found))
        if not scores and not found:
            reasons = ["No event of this realm was scored or failed under this request id."]
        return json_response(
            TracesAnswer(request_id, [whole_answer(row) for row in found], len(scores), reasons)
        )


def too_wide() -> Unavailable:
    return Unavailable(
        "Too many executions had to be looked at. Name a game, a task, a player or a time.",
        code="QUERY_TOO_WIDE",
    )
