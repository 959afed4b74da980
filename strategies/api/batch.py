"""Many events in one request."""

from datetime import datetime
from typing import Annotated

import msgspec
from django.conf import settings
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample
from rest_framework.request import Request

from gameproject.lib.body import Body, ExternalId, Line, decode
from gameproject.lib.errors import BadRequest, DomainError, without_traceback
from gameproject.lib.openapi import ErrorBody, endpoint
from strategies import metrics
from strategies.answers import ScoreAnswer
from strategies.api.base import ScoringView, api_key, json_response, request_id
from strategies.batch import MAX_EVENTS, score_batch
from strategies.events import Event

IdempotencyKey = Annotated[str, msgspec.Meta(pattern=r"^[\x21-\x7e]([\x20-\x7e]{0,198}[\x21-\x7e])?(?!\n)$")]


class BatchEvent(Body):
    """An event of a batch: what the path and the header of a single one say stands in its body."""

    game_id: ExternalId
    external_task_id: ExternalId
    external_user_id: ExternalId
    data: dict[str, object] = {}
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    is_test: bool = False
    session_key: Line | None = None
    idempotency_key: IdempotencyKey | None = None


class BatchBody(Body):
    """Taken apart event by event, so that a bad one stops no other."""

    events: Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=MAX_EVENTS)]


class BatchBodyShape(msgspec.Struct):
    """What a batch looks like, for the API's description."""

    events: Annotated[list[BatchEvent], msgspec.Meta(min_length=1, max_length=MAX_EVENTS)]


class BatchResult(msgspec.Struct, kw_only=True, omit_defaults=True):
    """`status` is what the event would have got as a single request."""

    index: int
    status: int
    score: ScoreAnswer | None = None
    error: ErrorBody | None = None


class BatchAnswer(msgspec.Struct):
    results: list[BatchResult]


class BatchView(ScoringView):
    @endpoint(
        name="scoreBatch",
        summary="Score up to 1000 events, in their order",
        tag="Scoring",
        scope="score",
        body=BatchBodyShape,
        answers={200: BatchAnswer},
        errors={400: ["IDEMPOTENCY_KEY_ON_BATCH"], 503: ["DATABASE_BUSY", "DSL_TIMEOUT"]},
        max_body_mebibytes=20,
        details=(
            "The same meaning as the events one by one in this order; one that is refused stops no other. Each result "
            "has the status, and the score or the error, that its event alone would have been answered with. The "
            "limit of a key counts a batch as one request; that of a player does not count it."
        ),
        examples=[
            OpenApiExample(
                "Two events",
                value={
                    "events": [
                        {"gameId": "city-walk", "externalTaskId": "daily-steps", "externalUserId": "ana"},
                        {
                            "gameId": "city-walk",
                            "externalTaskId": "daily-steps",
                            "externalUserId": "ben",
                            "data": {"minutes": 12},
                            "idempotencyKey": "walk-4711",
                        },
                    ]
                },
                request_only=True,
            )
        ],
    )
    def post(self, request: Request) -> HttpResponse:
        if "HTTP_IDEMPOTENCY_KEY" in request.META:
            raise BadRequest(
                "A batch takes no Idempotency-Key header; give each event its own idempotencyKey.",
                code="IDEMPOTENCY_KEY_ON_BATCH",
            )
        body = self.read(BatchBody, max_bytes=settings.API_MAX_BATCH_BODY_BYTES)
        with metrics.Answering("batch", "batch") as answering:
            outcomes = score_batch(
                api_key=api_key(request.META),
                events_in_order=[_event(raw) for raw in body.events],
                request_id=request_id(request),
            )
            answering.outcome = "award"  # as a whole; its events are counted one by one
        results = [_result(index, outcome) for index, outcome in enumerate(outcomes)]
        return json_response(BatchAnswer(results))


def _event(raw: msgspec.Raw) -> Event | DomainError:
    try:
        body = decode(bytes(raw), BatchEvent)
    except DomainError as error:
        return without_traceback(error)
    return Event(
        game=body.game_id,
        task=body.external_task_id,
        external_user_id=body.external_user_id,
        data=body.data,
        occurred_at=body.occurred_at,
        is_test=body.is_test,
        session_key=body.session_key,
        idempotency_key=body.idempotency_key,
    )


def _result(index: int, outcome: ScoreAnswer | DomainError) -> BatchResult:
    if isinstance(outcome, DomainError):
        problems = msgspec.UNSET if outcome.problems is None else outcome.problems
        error = ErrorBody(
            code=outcome.code, message=outcome.message, params=outcome.params, problems=problems
        )
        return BatchResult(index=index, status=outcome.status, error=error)
    return BatchResult(index=index, status=200 if outcome.replayed else 201, score=outcome)
