"""Games: create, list, read, change, delete."""

import uuid
from typing import Any, ClassVar
from zoneinfo import available_timezones

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from gameproject.lib import api, clock
from gameproject.lib.body import Body, ExternalId, Line
from gameproject.lib.errors import BadRequest, JsonDict
from gameproject.lib.openapi import endpoint
from strategies import events, games, selectors
from strategies.api.base import ApiView, json_response
from strategies.api.pages import PAGE_PARAMETERS
from strategies.models import Game, Strategy, Task
from strategies.models.tenancy import Scope
from strategies.variables import effective_variables

TAG = "Games and tasks"

Variables = dict[str, int | float | bool | str]


class Param(Body):
    """Free data of the application's own, kept and given back."""

    key: Line
    value: object


class GameBody(Body):
    external_game_id: ExternalId
    platform: Line
    strategy_id: Line = selectors.DEFAULT_STRATEGY
    time_zone: Line | None = None
    variables: Variables = {}
    params: list[Param] = []


class GameChanges(Body):
    """What is not sent stays. `timeZone` null: the realm's. `variables` and `params` are replaced as a whole."""

    platform: Line | msgspec.UnsetType = msgspec.UNSET
    strategy_id: Line | msgspec.UnsetType = msgspec.UNSET
    time_zone: Line | msgspec.UnsetType | None = msgspec.UNSET
    variables: Variables | msgspec.UnsetType = msgspec.UNSET
    params: list[Param] | msgspec.UnsetType = msgspec.UNSET


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


class GamePage(msgspec.Struct, rename="camel"):
    items: list[GameAnswer]
    next_cursor: str | None


class GamesView(ApiView):
    scopes: ClassVar[dict[str, str]] = {"POST": Scope.AUTHOR}

    @endpoint(
        name="createGame",
        summary="Create a game",
        tag=TAG,
        scope="author",
        body=GameBody,
        answers={201: GameAnswer},
        errors={
            400: [
                "DSL_VARIABLE_UNKNOWN",
                "DSL_VARIABLE_TYPE",
                "DSL_VARIABLE_RANGE",
                "DSL_NUMBER_RANGE",
                "VALUE_INVALID",
            ],
            404: ["STRATEGY_NOT_FOUND"],
            409: ["GAME_EXISTS", "STRATEGY_ARCHIVED", "STRATEGY_NOT_PUBLISHED"],
        },
    )
    def post(self, request: Request) -> HttpResponse:
        body = self.read(GameBody)
        game = games.create_game(
            realm=self.realm,
            external_id=body.external_game_id,
            platform=body.platform,
            strategy=selectors.strategy_by_name(self.principal.realm_id, body.strategy_id),
            time_zone=known_time_zone(body.time_zone),
            variables=body.variables,
            params=params_json(body.params),
        )
        return json_response(game_answer(game), status=201)

    @endpoint(
        name="listGames",
        summary="List games, newest first",
        tag=TAG,
        scope="read",
        answers={200: GamePage},
        parameters=PAGE_PARAMETERS,
    )
    def get(self, request: Request) -> Response:
        rows = Game.objects.filter(realm_id=self.principal.realm_id).select_related("strategy", "realm")
        return api.page(request, rows, game_answer)


class GameView(ApiView):
    scopes: ClassVar[dict[str, str]] = {"PATCH": Scope.AUTHOR, "DELETE": Scope.AUTHOR}

    @endpoint(
        name="getGame",
        summary="A game, with the variables in force",
        tag=TAG,
        scope="read",
        answers={200: GameAnswer},
        errors={404: ["GAME_NOT_FOUND"]},
    )
    def get(self, request: Request, game: str) -> HttpResponse:
        return json_response(_with_effective(selectors.game_by_name(self.principal.realm_id, game)))

    @endpoint(
        name="changeGame",
        summary="Change a game; acts on every event that begins afterwards",
        tag=TAG,
        scope="author",
        body=GameChanges,
        answers={200: GameAnswer},
        errors={
            400: [
                "DSL_VARIABLE_UNKNOWN",
                "DSL_VARIABLE_TYPE",
                "DSL_VARIABLE_RANGE",
                "DSL_NUMBER_RANGE",
                "VALUE_INVALID",
            ],
            404: ["GAME_NOT_FOUND", "STRATEGY_NOT_FOUND"],
            409: ["STRATEGY_ARCHIVED", "STRATEGY_NOT_PUBLISHED"],
        },
    )
    def patch(self, request: Request, game: str) -> HttpResponse:
        body = self.read(GameChanges)
        row = selectors.game_by_name(self.principal.realm_id, game)
        changes = changes_of(body, self.principal.realm_id)
        if "time_zone" in changes:
            known_time_zone(body.time_zone)  # type: ignore[arg-type]  # set, since it is among the changes
        return json_response(_with_effective(games.change_game(game=row, changes=changes)))

    @endpoint(
        name="deleteGame",
        summary="Delete a game and its tasks, where nothing was scored; answers with what it was",
        tag=TAG,
        scope="author",
        answers={200: GameAnswer},
        errors={404: ["GAME_NOT_FOUND"], 409: ["GAME_SCORED", "TASK_OPEN"], 503: ["DATABASE_BUSY"]},
    )
    def delete(self, request: Request, game: str) -> HttpResponse:
        row = selectors.game_by_name(self.principal.realm_id, game)
        answer = game_answer(row)
        games.delete_game(game=row)
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


def _with_effective(game: Game) -> GameAnswer:
    answer = game_answer(game)
    answer.effective_variables = effective(game.strategy, game)
    return answer


def effective(strategy: Strategy, game: Game, task: Task | None = None) -> JsonDict:
    """Show the variables that scoring would use now; none where the strategy cannot score."""
    program = games.production_program(strategy)
    return {} if program is None else effective_variables(program, game, task)


def changes_of(body: Body, realm_id: uuid.UUID) -> JsonDict:
    """Return what a PATCH sends, as the columns it is to be stored in. Raises NotFound (strategy)."""
    changes: JsonDict = {
        name: value for name in body.__struct_fields__ if (value := getattr(body, name)) is not msgspec.UNSET
    }
    if "strategy_id" in changes:
        name = changes.pop("strategy_id")
        changes["strategy"] = None if name is None else selectors.strategy_by_name(realm_id, str(name))
    if "params" in changes:
        changes["params"] = params_json(changes["params"])  # type: ignore[arg-type]  # so the body has it
    return changes


def params_json(params: list[Param]) -> list[JsonDict]:
    for index, param in enumerate(params):
        events.check_storable(param.value, pointer=f"/params/{index}/value")
    return [{"key": param.key, "value": param.value} for param in params]


def known_time_zone(name: str | None) -> str | None:
    """Return the name. Raises BadRequest where there is no such time zone."""
    if name is not None and name not in available_timezones():
        raise BadRequest(
            f"{name!r} is not a time zone, such as Europe/Vienna.",
            code="BODY_INVALID",
            problems=[{"code": "VALUE_INVALID", "message": "Not a time zone.", "pointer": "/timeZone"}],
        )
    return name
