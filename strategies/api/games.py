"""Games and tasks: create, list, read."""

import uuid
from collections.abc import Mapping
from typing import Any, ClassVar
from zoneinfo import available_timezones

import msgspec
from django.db import IntegrityError, transaction
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from gameproject.lib import api, clock
from gameproject.lib.body import Body, ExternalId, Line
from gameproject.lib.errors import BadRequest, Conflict, JsonDict
from gameproject.lib.openapi import endpoint
from strategies import dsl, events, programs, selectors
from strategies.api.base import ApiView, json_response
from strategies.api.pages import PAGE_PARAMETERS
from strategies.models import Alias, Game, Strategy, Task
from strategies.models.strategies import PRODUCTION
from strategies.models.tenancy import Scope
from strategies.variables import effective_variables


class Param(Body):
    """Free data of the application's own, kept and given back."""

    key: Line
    value: object


class GameBody(Body):
    external_game_id: ExternalId
    platform: Line
    strategy_id: Line = selectors.DEFAULT_STRATEGY
    time_zone: Line | None = None
    variables: dict[str, int | float | bool | str] = {}
    params: list[Param] = []


class TaskBody(Body):
    external_task_id: ExternalId
    strategy_id: Line | None = None
    variables: dict[str, int | float | bool | str] = {}
    params: list[Param] = []


class GameAnswer(msgspec.Struct, rename="camel", kw_only=True):
    game_id: uuid.UUID
    external_game_id: str
    platform: str
    strategy_id: str
    time_zone: str
    variables: dict[str, Any]
    params: list[dict[str, Any]]
    created_at: str
    effective_variables: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


class TaskAnswer(msgspec.Struct, rename="camel", kw_only=True):
    task_id: uuid.UUID
    external_task_id: str
    game_id: uuid.UUID
    strategy_id: str
    status: str
    variables: dict[str, Any]
    params: list[dict[str, Any]]
    created_at: str
    effective_variables: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


class GamePage(msgspec.Struct, rename="camel"):
    items: list[GameAnswer]
    next_cursor: str | None


class TaskPage(msgspec.Struct, rename="camel"):
    items: list[TaskAnswer]
    next_cursor: str | None


class GamesView(ApiView):
    scopes: ClassVar[dict[str, str]] = {"POST": Scope.AUTHOR}

    @endpoint(
        name="createGame",
        summary="Create a game",
        tag="Games and tasks",
        scope="author",
        body=GameBody,
        answers={201: GameAnswer},
        errors=[400, 404, 409, 413, 415],
    )
    def post(self, request: Request) -> HttpResponse:
        body = self.read(GameBody)
        if body.time_zone is not None and body.time_zone not in available_timezones():
            raise BadRequest(
                f"{body.time_zone!r} is not a time zone, such as Europe/Vienna.",
                code="BODY_INVALID",
                problems=[{"code": "VALUE_INVALID", "message": "Not a time zone.", "pointer": "/timeZone"}],
            )
        strategy = selectors.strategy_by_name(self.principal.realm_id, body.strategy_id)
        _require_fitting_variables(strategy, body.variables)
        game = Game(
            realm=self.realm,
            external_id=body.external_game_id,
            platform=body.platform,
            strategy=strategy,
            time_zone=body.time_zone,
            variables=body.variables,
            params=_params(body.params),
        )
        _insert(game, Conflict("There is a game with this externalGameId.", code="GAME_EXISTS"))
        return json_response(game_answer(game), status=201)

    @endpoint(
        name="listGames",
        summary="List games, newest first",
        tag="Games and tasks",
        scope="read",
        answers={200: GamePage},
        errors=[400],
        parameters=PAGE_PARAMETERS,
    )
    def get(self, request: Request) -> Response:
        games = Game.objects.filter(realm_id=self.principal.realm_id).select_related("strategy", "realm")
        return api.page(request, games, game_answer)


class GameView(ApiView):
    @endpoint(
        name="getGame",
        summary="A game, with the variables in force",
        tag="Games and tasks",
        scope="read",
        answers={200: GameAnswer},
        errors=[404],
    )
    def get(self, request: Request, game: str) -> HttpResponse:
        row = selectors.game_by_name(self.principal.realm_id, game)
        answer = game_answer(row)
        answer.effective_variables = _effective(row.strategy, row)
        return json_response(answer)


class TasksView(ApiView):
    scopes: ClassVar[dict[str, str]] = {"POST": Scope.AUTHOR}

    @endpoint(
        name="createTask",
        summary="Create a task",
        tag="Games and tasks",
        scope="author",
        body=TaskBody,
        answers={201: TaskAnswer},
        errors=[400, 404, 409, 413, 415],
    )
    def post(self, request: Request, game: str) -> HttpResponse:
        body = self.read(TaskBody)
        parent = selectors.game_by_name(self.principal.realm_id, game)
        strategy = (
            selectors.strategy_by_name(self.principal.realm_id, body.strategy_id)
            if body.strategy_id is not None
            else None
        )
        _require_fitting_variables(strategy or parent.strategy, body.variables)
        task = Task(
            realm_id=parent.realm_id,
            game=parent,
            external_id=body.external_task_id,
            strategy=strategy,
            variables=body.variables,
            params=_params(body.params),
        )
        _insert(task, Conflict("The game has a task with this externalTaskId.", code="TASK_EXISTS"))
        return json_response(task_answer(task), status=201)

    @endpoint(
        name="listTasks",
        summary="List a game's tasks, newest first",
        tag="Games and tasks",
        scope="read",
        answers={200: TaskPage},
        errors=[400, 404],
        parameters=PAGE_PARAMETERS,
    )
    def get(self, request: Request, game: str) -> Response:
        row = selectors.game_by_name(self.principal.realm_id, game)
        tasks = Task.objects.filter(game=row).select_related("strategy", "game__strategy")
        return api.page(request, tasks, task_answer)


class TaskView(ApiView):
    @endpoint(
        name="getTask",
        summary="A task, with the variables in force",
        tag="Games and tasks",
        scope="read",
        answers={200: TaskAnswer},
        errors=[404],
    )
    def get(self, request: Request, game: str, task: str) -> HttpResponse:
        parent = selectors.game_by_name(self.principal.realm_id, game)
        row = selectors.task_by_name(parent, task)
        answer = task_answer(row)
        answer.effective_variables = _effective(row.strategy or parent.strategy, parent, row)
        return json_response(answer)


def game_answer(game: Game) -> GameAnswer:
    return GameAnswer(
        game_id=game.pk,
        external_game_id=game.external_id,
        platform=game.platform,
        strategy_id=game.strategy.slug,
        time_zone=game.time_zone or game.realm.time_zone,
        variables=game.variables,
        params=game.params,
        created_at=clock.iso(game.created_at),
    )


def task_answer(task: Task) -> TaskAnswer:
    return TaskAnswer(
        task_id=task.pk,
        external_task_id=task.external_id,
        game_id=task.game_id,
        strategy_id=(task.strategy or task.game.strategy).slug,
        status=task.status,
        variables=task.variables,
        params=task.params,
        created_at=clock.iso(task.created_at),
    )


def _effective(strategy: Strategy, game: Game, task: Task | None = None) -> JsonDict:
    """Show the variables that scoring would use now; none where the strategy cannot score."""
    program = _production_program(strategy)
    return {} if program is None else effective_variables(program, game, task)


def _production_program(strategy: Strategy) -> dsl.Program | None:
    alias = Alias.objects.filter(strategy=strategy, name=PRODUCTION).first()
    return programs.load(alias.version_id).program if alias else None


def _require_fitting_variables(strategy: Strategy, variables: Mapping[str, object]) -> None:
    program = _production_program(strategy)
    if not variables:
        return
    if program is None:
        raise Conflict(
            "The strategy has no published version whose variables could be overridden.",
            code="STRATEGY_NOT_PUBLISHED",
            params={"strategy": strategy.slug},
        )
    try:
        program.resolve_variables(variables)
    except dsl.DslError as error:
        raise BadRequest(
            error.message,
            code=error.code,
            params=error.params,
            problems=[{"code": error.code, "message": error.message, "pointer": "/variables"}],
        ) from None


def _params(params: list[Param]) -> list[JsonDict]:
    for index, param in enumerate(params):
        events.check_storable(param.value, pointer=f"/params/{index}/value")
    return [{"key": param.key, "value": param.value} for param in params]


def _insert(row: Game | Task, conflict: Conflict) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError:
        raise conflict from None
