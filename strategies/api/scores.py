"""Scores: an event in, points out; a score again, and why it is what it is."""

import uuid
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, ClassVar

import msgspec
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample
from rest_framework.request import Request

from gameproject.lib.body import Body, ExternalId, Line
from gameproject.lib.openapi import endpoint
from strategies import metrics, scoring, selectors
from strategies.answers import ScoreAnswer, score_answer
from strategies.api.base import ApiView, ScoringView, api_key, json_response, request_id
from strategies.api.idempotency import idempotency_key, key_parameter
from strategies.api.players import TaskPoints
from strategies.api.totals import task_totals
from strategies.events import Event
from strategies.explaining import Explanation
from strategies.models.tenancy import Scope
from strategies.reversing import reverse_score


class EventBody(Body):
    """What happened. `data` is free for the strategy to read: at most 16 KiB, 8 deep, numbers within 1e15."""

    external_user_id: ExternalId
    data: dict[str, object] = {}
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    is_test: bool = False
    session_key: Line | None = None


class ReversalBody(Body):
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=500, pattern=r"^[^\x00]+$")]


class ExplanationAnswer(msgspec.Struct, rename="camel", kw_only=True):
    """Why a score is what it is. `reproduced`: its version, run again on what was frozen, gives it again."""

    score: ScoreAnswer
    reproduced: bool
    program: dict[str, Any]
    facts: dict[str, Any]
    data: dict[str, Any]
    variables: dict[str, Any]
    trace: list[dict[str, Any]]
    rules: list[dict[str, Any]]
    sentences: list[str]


class PointsView(ScoringView):
    """The hot path. What goes without a hitch goes past this view (gameproject/fast_path.py); it is all the same."""

    @endpoint(
        name="scoreEvent",
        summary="Score an event",
        tag="Scoring",
        scope="score",
        body=EventBody,
        answers={201: ScoreAnswer, 200: ScoreAnswer},
        errors={
            400: ["VALUE_INVALID", "DSL_NUMBER_RANGE", "IDEMPOTENCY_KEY_INVALID", "OCCURRED_AT_OUT_OF_RANGE"],
            404: ["GAME_NOT_FOUND", "TASK_NOT_FOUND"],
            409: ["TASK_CLOSED", "STRATEGY_ARCHIVED", "STRATEGY_NOT_PUBLISHED", "IDEMPOTENCY_KEY_REUSED"],
            413: ["DATA_TOO_LARGE"],
            422: ["DSL_*"],
            503: ["DSL_TIMEOUT", "DATABASE_BUSY", "CONFIG_BUSY", "OUTCOME_UNKNOWN"],
        },
        details=(
            "Event data: at most 16 KiB, 8 deep. Answered within half a second (`SCORING_DEADLINE_SECONDS`). A run that "
            "fails is 422 with the language's code, which begins with `DSL_`; nothing is stored then."
        ),
        parameters=[key_parameter("event")],
        examples=[
            OpenApiExample(
                "A task done in 12 minutes",
                value={"externalUserId": "ana", "data": {"minutes": 12}},
                request_only=True,
            )
        ],
    )
    def post(self, request: Request, game: str, task: str) -> HttpResponse:
        body = self.read(EventBody)
        answer = score_posted(body, game=game, task=task, meta=request.META, request_id=request_id(request))
        return json_response(answer, status=200 if answer.replayed else 201)

    @endpoint(
        name="getTaskPoints",
        summary="The points given for a task",
        tag="Games and tasks",
        scope="read",
        answers={200: TaskPoints},
        errors={404: ["GAME_NOT_FOUND", "TASK_NOT_FOUND"]},
    )
    def get(self, request: Request, game: str, task: str) -> HttpResponse:
        row = selectors.game_by_name(self.principal.realm_id, game)
        return json_response(task_totals(selectors.task_by_name(row, task)))


def score_posted(
    body: EventBody, *, game: str, task: str, meta: Mapping[str, Any], request_id: str
) -> ScoreAnswer:
    """Score what a request to this path says; `meta` has its headers. Raises what `scoring.score` does."""
    event = Event(
        game=game,
        task=task,
        external_user_id=body.external_user_id,
        data=body.data,
        occurred_at=body.occurred_at,
        is_test=body.is_test,
        session_key=body.session_key,
        idempotency_key=idempotency_key(meta),
    )
    with metrics.Answering("points", "single") as answering:
        answer = scoring.score(api_key=api_key(meta), event=event, request_id=request_id)
        answering.outcome = "replayed" if answer.replayed else answer.outcome
    return answer


class ScoreView(ApiView):
    @endpoint(
        name="getScore",
        summary="A score, as it was answered",
        tag="Scoring",
        scope="read",
        answers={200: ScoreAnswer},
        errors={404: ["SCORE_NOT_FOUND"]},
    )
    def get(self, request: Request, score: uuid.UUID) -> HttpResponse:
        return json_response(score_answer(selectors.score_by_id(self.principal.realm_id, score)))


class ExplainView(ApiView):
    @endpoint(
        name="explainScore",
        summary="Why a score is what it is",
        tag="Scoring",
        scope="read",
        answers={200: ExplanationAnswer},
        errors={404: ["SCORE_NOT_FOUND"]},
    )
    def get(self, request: Request, score: uuid.UUID) -> HttpResponse:
        row = selectors.score_by_id(self.principal.realm_id, score)
        explained = Explanation(row)
        return json_response(
            ExplanationAnswer(
                score=score_answer(row),
                reproduced=explained.reproduced,
                program=dict(explained.program.source),
                facts=row.facts,
                data=row.data,
                variables=row.variables,
                trace=explained.trace.entries,
                rules=explained.rules,
                sentences=explained.sentences,
            )
        )


class ReversalView(ApiView):
    scopes: ClassVar[dict[str, str]] = {"POST": Scope.OPERATE}

    @endpoint(
        name="reverseScore",
        summary="Take a score back, once, by a compensating score",
        tag="Scoring",
        scope="operate",
        body=ReversalBody,
        answers={201: ScoreAnswer},
        errors={404: ["SCORE_NOT_FOUND"], 409: ["SCORE_REVERSED", "SCORE_IS_REVERSAL"]},
        examples=[
            OpenApiExample("A mistake", value={"reason": "counted twice at the desk"}, request_only=True)
        ],
    )
    def post(self, request: Request, score: uuid.UUID) -> HttpResponse:
        body = self.read(ReversalBody)
        row = selectors.score_by_id(self.principal.realm_id, score)
        reversal = reverse_score(score=row, reason=body.reason, request_id=request_id(request))
        return json_response(score_answer(reversal), status=201)
