"""Strategies: built-in and custom, drafts and versions, the field catalogue, simulation."""

import uuid
from datetime import datetime
from typing import Annotated, Any, ClassVar

import msgspec
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from gameproject.lib import api, clock
from gameproject.lib.api import whole_if_integral
from gameproject.lib.body import Body, ExternalId, Line, Text
from gameproject.lib.errors import BadRequest, JsonDict
from gameproject.lib.openapi import endpoint
from strategies import dsl, events, programs, publishing, selectors
from strategies.answers import BonusAnswer, bonus_answers
from strategies.api.base import ApiView, json_response
from strategies.api.pages import PAGE_PARAMETERS
from strategies.models import Strategy, StrategyVersion
from strategies.models.strategies import PRODUCTION
from strategies.models.tenancy import Scope
from strategies.simulation import Scenario, simulate

TAG = "Strategies"


class StrategyBody(Body):
    name: Line
    type: str
    ast_json: object
    description: Text = ""
    parent_strategy_id: Line | None = None


class EditBody(Body):
    ast_json: object
    name: Line | None = None
    description: Text | None = None
    parent_strategy_id: Line | None = None


class ValidateBody(Body):
    type: str
    ast_json: object
    parent_strategy_id: Line | None = None


class ArchiveBody(Body):
    force: bool = False


class SimulateBody(Body):
    """`astJson` with `type` for a program that is not stored; else the stored strategy, or its `version`."""

    external_game_id: ExternalId
    external_task_id: ExternalId
    external_user_id: ExternalId
    ast_json: object = msgspec.UNSET
    type: str | None = None
    parent_strategy_id: Line | None = None
    version: int | None = None
    data: dict[str, object] = {}
    occurred_at: Annotated[datetime, msgspec.Meta(tz=True)] | None = None
    variables: dict[str, int | float | bool | str] = {}
    mock_state: dict[str, int | float | bool | str | None] = {}


class CostAnswer(msgspec.Struct, kw_only=True):
    nodes: int = 0
    depth: int = 0
    fields: list[str] = []


class StrategyAnswer(msgspec.Struct, rename="camel", kw_only=True):
    """A strategy with the version that an author works on: the draft, or else the last published one."""

    id: uuid.UUID
    strategy_id: str
    name: str
    description: str
    type: str
    parent_strategy_id: str | None
    built_in: bool
    version: int
    status: str
    production_version: int | None
    ast_json: dict[str, Any]
    digest: str
    problems: list[dict[str, Any]]
    cost: CostAnswer
    created_at: str
    published_at: str | None


class StrategyPage(msgspec.Struct, rename="camel"):
    items: list[StrategyAnswer]
    next_cursor: str | None


class ValidationAnswer(msgspec.Struct, kw_only=True):
    valid: bool
    problems: list[dict[str, Any]]
    cost: CostAnswer | None
    digest: str | None


class FieldsAnswer(msgspec.Struct, kw_only=True):
    items: list[dict[str, Any]]


class SimulationAnswer(msgspec.Struct, rename="camel", kw_only=True):
    points: int | float
    case_name: str | None
    callback_data: dict[str, Any]
    bonuses: list[BonusAnswer]
    outcome: str
    execution_trace: list[dict[str, Any]]
    facts: dict[str, Any]
    nodes: int


class StrategiesView(ApiView):
    @endpoint(
        name="listStrategies",
        summary="List all strategies, the built-in ones among them",
        tag=TAG,
        scope="read",
        answers={200: StrategyPage},
        errors=[400],
        parameters=PAGE_PARAMETERS,
    )
    def get(self, request: Request) -> Response:
        seen = selectors.strategies_seen_by(self.principal.realm_id).select_related("parent")
        return api.page(request, seen, strategy_answer)


class FieldsView(ApiView):
    @endpoint(
        name="listFields",
        summary="The facts that a program may read",
        tag=TAG,
        scope="read",
        answers={200: FieldsAnswer},
        errors=[],
    )
    def get(self, request: Request) -> Response:
        return Response({"items": dsl.field_catalogue()})


class StrategyView(ApiView):
    @endpoint(
        name="getStrategy",
        summary="A strategy, built-in or custom",
        tag=TAG,
        scope="read",
        answers={200: StrategyAnswer},
        errors=[404],
    )
    def get(self, request: Request, strategy: str) -> HttpResponse:
        row = selectors.strategy_by_name(self.principal.realm_id, strategy)
        return json_response(strategy_answer(row))


class CustomStrategiesView(ApiView):
    scopes: ClassVar[dict[str, str]] = {"POST": Scope.AUTHOR}

    @endpoint(
        name="createStrategy",
        summary="Create a strategy, as a draft",
        tag=TAG,
        scope="author",
        body=StrategyBody,
        answers={201: StrategyAnswer},
        errors=[400, 404, 409, 413, 415, 422],
    )
    def post(self, request: Request) -> HttpResponse:
        body = self.read(StrategyBody)
        version = publishing.create_strategy(
            realm=self.realm,
            name=body.name,
            description=body.description,
            kind=_kind(body.type),
            parent=_parent(self, body.parent_strategy_id),
            program=body.ast_json,
        )
        return json_response(strategy_answer(version.strategy), status=201)

    @endpoint(
        name="listCustomStrategies",
        summary="List the realm's own strategies, newest first",
        tag=TAG,
        scope="read",
        answers={200: StrategyPage},
        errors=[400],
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("status", str, enum=["DRAFT", "PUBLISHED", "ARCHIVED"]),
            OpenApiParameter("type", str, enum=["DSL_FULL", "DSL_EXTEND"]),
        ],
    )
    def get(self, request: Request) -> Response:
        rows = Strategy.objects.filter(realm_id=self.principal.realm_id).select_related("parent")
        status = request.query_params.get("status")
        if status is not None:
            rows = rows.filter(**_status_filter(status))
        kind = request.query_params.get("type")
        if kind is not None:
            rows = rows.filter(type=_kind(kind).value)
        return api.page(request, rows.distinct(), strategy_answer)


class CustomStrategyView(ApiView):
    scopes: ClassVar[dict[str, str]] = {"PUT": Scope.AUTHOR}

    @endpoint(
        name="getCustomStrategy",
        summary="One of the realm's own strategies",
        tag=TAG,
        scope="read",
        answers={200: StrategyAnswer},
        errors=[404, 409],
    )
    def get(self, request: Request, strategy: str) -> HttpResponse:
        return json_response(strategy_answer(_own(self, strategy)))

    @endpoint(
        name="editStrategy",
        summary="Edit the draft, or begin the next one",
        tag=TAG,
        scope="author",
        body=EditBody,
        answers={200: StrategyAnswer},
        errors=[400, 404, 409, 413, 415, 422],
    )
    def put(self, request: Request, strategy: str) -> HttpResponse:
        body = self.read(EditBody)
        version = publishing.edit_strategy(
            strategy=_own(self, strategy),
            program=body.ast_json,
            name=body.name,
            description=body.description,
            parent=_parent(self, body.parent_strategy_id),
        )
        return json_response(strategy_answer(version.strategy))


class ValidateView(ApiView):
    scopes: ClassVar[dict[str, str]] = {"POST": Scope.AUTHOR}

    @endpoint(
        name="validateProgram",
        summary="Validate a program without storing it",
        tag=TAG,
        scope="author",
        body=ValidateBody,
        answers={200: ValidationAnswer},
        errors=[400, 404, 409, 413, 415],
    )
    def post(self, request: Request) -> HttpResponse:
        body = self.read(ValidateBody)
        validation = publishing.validate(
            realm=self.realm,
            kind=_kind(body.type),
            parent=_parent(self, body.parent_strategy_id),
            program=body.ast_json,
        )
        return json_response(
            ValidationAnswer(
                valid=validation.valid,
                problems=publishing.problems_json(validation),
                cost=CostAnswer(**publishing.cost_json(validation.cost)) if validation.cost else None,  # type: ignore[arg-type]  # the same keys
                digest=validation.digest,
            )
        )


class PublishView(ApiView):
    scopes: ClassVar[dict[str, str]] = {"POST": Scope.AUTHOR}

    @endpoint(
        name="publishStrategy",
        summary="Publish the draft; every request that begins afterwards is scored by it",
        tag=TAG,
        scope="author",
        answers={200: StrategyAnswer},
        errors=[404, 409, 422],
    )
    def post(self, request: Request, strategy: str) -> HttpResponse:
        version = publishing.publish_strategy(strategy=_own(self, strategy))
        return json_response(strategy_answer(version.strategy))


class ArchiveView(ApiView):
    scopes: ClassVar[dict[str, str]] = {"POST": Scope.AUTHOR}

    @endpoint(
        name="archiveStrategy",
        summary="Archive a strategy; it stops scoring at once",
        tag=TAG,
        scope="author",
        body=ArchiveBody,
        answers={200: StrategyAnswer},
        errors=[400, 404, 409, 413, 415],
    )
    def post(self, request: Request, strategy: str) -> HttpResponse:
        body = (
            self.read(ArchiveBody)
            if request.META.get("CONTENT_LENGTH") not in {None, "", "0"}
            else ArchiveBody()
        )
        archived = publishing.archive_strategy(strategy=_own(self, strategy), force=body.force)
        return json_response(strategy_answer(archived))


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
        errors=[400, 404, 409, 413, 415, 422],
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
        errors=[400, 404, 409, 413, 415, 422],
    )
    def post(self, request: Request, strategy: str) -> HttpResponse:
        body = self.read(SimulateBody)
        row = selectors.strategy_by_name(self.principal.realm_id, strategy)
        is_stored = body.ast_json is msgspec.UNSET
        program = _stored_program(row, body.version) if is_stored else _program_in_body(self, body, row)
        return json_response(_simulation(self, body, program))


def strategy_answer(strategy: Strategy) -> StrategyAnswer:
    version = selectors.latest_version(strategy)
    production = strategy.aliases.filter(name=PRODUCTION).values_list("version__number", flat=True).first()
    return StrategyAnswer(
        id=strategy.pk,
        strategy_id=strategy.slug,
        name=strategy.name,
        description=strategy.description,
        type=strategy.type,
        parent_strategy_id=strategy.parent.slug if strategy.parent else None,
        built_in=strategy.realm_id is None,
        version=version.number,
        status=_status(strategy, version),
        production_version=production,
        ast_json=version.program,
        digest=version.digest,
        problems=version.problems,
        cost=CostAnswer(**version.cost),
        created_at=clock.iso(version.created_at),
        published_at=clock.iso(version.published_at) if version.published_at else None,
    )


def _status(strategy: Strategy, version: StrategyVersion) -> str:
    if strategy.archived_at is not None:
        return "ARCHIVED"
    return "DRAFT" if version.published_at is None else "PUBLISHED"


def _status_filter(status: str) -> JsonDict:
    """Name what `_status` shows: a strategy with a draft is one, whatever is published beside it."""
    filters: dict[str, JsonDict] = {
        "ARCHIVED": {"archived_at__isnull": False},
        "DRAFT": {"archived_at": None, "versions__published_at": None},
        "PUBLISHED": {"archived_at": None, "aliases__name": PRODUCTION},
    }
    if status not in filters:
        raise BadRequest("status is one of DRAFT, PUBLISHED, ARCHIVED.", code="QUERY_INVALID")
    return filters[status]


def _kind(text: str) -> dsl.Kind:
    try:
        return dsl.Kind.parse(text)
    except ValueError:
        raise BadRequest(
            "type is DSL_FULL or DSL_EXTEND.",
            code="BODY_INVALID",
            problems=[{"code": "VALUE_INVALID", "message": "Not a type of strategy.", "pointer": "/type"}],
        ) from None


def _own(view: ApiView, strategy: str) -> Strategy:
    return selectors.own_strategy_by_name(view.principal.realm_id, strategy)


def _parent(view: ApiView, name: str | None) -> Strategy | None:
    return None if name is None else selectors.strategy_by_name(view.principal.realm_id, name)


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
            occurred_at=body.occurred_at,
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
    kind = _kind(body.type or (row.type if row else dsl.Kind.FULL.value))
    parent = _parent(view, body.parent_strategy_id) or (row.parent if row else None)
    validation = publishing.validated(realm=view.realm, kind=kind, parent=parent, program=body.ast_json)
    assert validation.program is not None  # noqa: S101  # `validated` raises where there is none
    return validation.program


def _stored_program(strategy: Strategy, number: int | None) -> dsl.Program:
    version = (
        selectors.latest_version(strategy)
        if number is None
        else selectors.version_by_number(strategy, number)
    )
    if version.published_at is not None:
        return programs.load(version.pk).program
    validation = publishing.validated(
        realm=strategy.realm, kind=dsl.Kind(strategy.type), parent=strategy.parent, program=version.program
    )
    assert validation.program is not None  # noqa: S101  # `validated` raises where there is none
    return validation.program
