"""Trying a program on a player's history, or on made-up facts."""

from datetime import datetime
from typing import Annotated, Any, ClassVar, Final

import msgspec
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample
from rest_framework.request import Request

from gameproject.lib.api import whole_if_integral
from gameproject.lib.body import Body, ExternalId, Line
from gameproject.lib.errors import BadRequest
from gameproject.lib.openapi import endpoint
from strategies import dsl, events, publishing, selectors
from strategies.answers import BonusAnswer, bonus_answers
from strategies.api.base import ApiView, json_response
from strategies.api.strategy_answers import (
    FIVE_POINTS,
    TAG,
    KindName,
    parent_strategy,
    read_kind,
    version_or_latest,
)
from strategies.models import Strategy
from strategies.models.tenancy import Scope
from strategies.simulation import Scenario, simulate

EVENT: Final = {
    "externalGameId": "city-walk",
    "externalTaskId": "daily-steps",
    "externalUserId": "ana",
}


class SimulateBody(Body):
    """`astJson` with `type` for a program that is not stored; else the stored strategy, or its `version`."""

    external_game_id: ExternalId
    external_task_id: ExternalId
    external_user_id: ExternalId
    ast_json: object = msgspec.UNSET
    type: KindName | None = None
    parent_strategy_id: Line | None = None
    version: int | None = None
    data: dict[str, object] = {}
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    variables: dict[str, int | float | bool | str] = {}
    mock_state: dict[str, int | float | bool | str | None] = {}


class SimulationAnswer(msgspec.Struct, rename="camel", kw_only=True):
    points: int | float
    case_name: str | None
    callback_data: dict[str, Any]
    bonuses: list[BonusAnswer]
    outcome: str
    execution_trace: list[dict[str, Any]]
    facts: dict[str, Any]
    nodes: int


class SimulateView(ApiView):
    """Needs only `read`: nothing is stored, and what is shown may be read anyway."""

    scopes: ClassVar[dict[str, str]] = {"POST": Scope.READ}

    @endpoint(
        name="simulateProgram",
        summary="Try a program on a player's history or on made-up facts; stores nothing",
        tag=TAG,
        scope="read",
        body=SimulateBody,
        answers={200: SimulationAnswer},
        errors={
            400: ["VALUE_INVALID", "DSL_*", "PARENT_MISSING", "PARENT_NOT_ALLOWED"],
            404: ["GAME_NOT_FOUND", "TASK_NOT_FOUND", "STRATEGY_NOT_FOUND"],
            409: ["STRATEGY_ARCHIVED", "STRATEGY_NOT_PUBLISHED"],
            413: ["DATA_TOO_LARGE"],
            422: ["PROGRAM_INVALID", "DSL_*"],
        },
        examples=[
            OpenApiExample(
                "A newcomer",
                value={
                    "type": "DSL_FULL",
                    "astJson": FIVE_POINTS,
                    **EVENT,
                    "mockState": {"user.measurements_count": 0},
                },
                request_only=True,
            )
        ],
        details=(
            "Runs the program of the body on the player's figures of this moment; `mockState` puts "
            "facts in their place, `variables` values. Event data: at most 16 KiB and 8 deep."
        ),
    )
    def post(self, request: Request) -> HttpResponse:
        body = self.read(SimulateBody)
        if body.ast_json is msgspec.UNSET:
            raise BadRequest("Send astJson, or name a stored strategy in the path.", code="BODY_INVALID")
        return json_response(_simulation(self, body, _program_in_body(self, body, None)))


class SimulateStoredView(ApiView):
    scopes: ClassVar[dict[str, str]] = {"POST": Scope.READ}

    @endpoint(
        name="simulateStrategy",
        summary="Try a stored strategy, or a change of it; stores nothing",
        tag=TAG,
        scope="read",
        body=SimulateBody,
        answers={200: SimulationAnswer},
        errors={
            400: ["VALUE_INVALID", "DSL_*", "PARENT_MISSING", "PARENT_NOT_ALLOWED"],
            404: ["GAME_NOT_FOUND", "TASK_NOT_FOUND", "STRATEGY_NOT_FOUND", "VERSION_NOT_FOUND"],
            409: ["STRATEGY_ARCHIVED", "STRATEGY_NOT_PUBLISHED"],
            413: ["DATA_TOO_LARGE"],
            422: ["PROGRAM_INVALID", "DSL_*"],
        },
        examples=[
            OpenApiExample(
                "An earlier version",
                value={**EVENT, "version": 1, "data": {"minutes": 12}},
                request_only=True,
            )
        ],
        details=(
            "As simulating a program, with a stored one: the draft or else the last published "
            "version, or the `version` that is named; `astJson` tries a change of it."
        ),
    )
    def post(self, request: Request, strategy: str) -> HttpResponse:
        body = self.read(SimulateBody)
        row = selectors.strategy_by_name(self.principal.realm_id, strategy)
        is_stored = body.ast_json is msgspec.UNSET
        program = (
            publishing.program_of(version_or_latest(row, body.version))
            if is_stored
            else _program_in_body(self, body, row)
        )
        return json_response(_simulation(self, body, program))


def _simulation(view: ApiView, body: SimulateBody, program: dsl.Program) -> SimulationAnswer:
    game = selectors.game_by_name(view.principal.realm_id, body.external_game_id)
    events.check_data(body.data)
    simulation = simulate(
        program,
        Scenario(
            game=game,
            task=selectors.task_by_name(game, body.external_task_id),
            external_user_id=body.external_user_id,
            data=body.data,
            occurred_at=events.moment(body.occurred_at, pointer="/occurredAt") if body.occurred_at else None,
            variables=body.variables,
            mock_state=body.mock_state,
        ),
    )
    outcome = simulation.outcome
    return SimulationAnswer(
        points=whole_if_integral(outcome.points),
        case_name=outcome.case_name,
        callback_data=outcome.callback_data,
        bonuses=bonus_answers(outcome.bonuses),
        outcome=outcome.kind,
        execution_trace=simulation.trace.entries,
        facts=simulation.facts,
        nodes=outcome.nodes,
    )


def _program_in_body(view: ApiView, body: SimulateBody, row: Strategy | None) -> dsl.Program:
    kind = read_kind(body.type or (row.type if row else dsl.Kind.FULL.value))
    parent = parent_strategy(view, body.parent_strategy_id) or (row.parent if row else None)
    validation = publishing.validated(realm=view.realm, kind=kind, parent=parent, program=body.ast_json)
    assert validation.program is not None  # noqa: S101  # `validated` raises where there is none
    return validation.program
