"""What players have earned, from the running figures: test scores are not among them."""

import uuid
from collections.abc import Collection
from decimal import Decimal
from itertools import groupby
from typing import Annotated, ClassVar, Final

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request

from gameproject.lib.api import json_number
from gameproject.lib.body import Body, ExternalId
from gameproject.lib.openapi import endpoint
from strategies import selectors
from strategies.api.base import ApiView, json_response
from strategies.models import Player, PlayerTaskStats
from strategies.models.tenancy import Scope

TAG = "Players"
MAX_PLAYERS: Final = 500


class QueryBody(Body):
    external_user_ids: Annotated[list[ExternalId], msgspec.Meta(min_length=1, max_length=MAX_PLAYERS)]


class TaskPoints(msgspec.Struct, rename="camel", kw_only=True):
    task_id: uuid.UUID
    external_task_id: str
    points: int | float
    times_awarded: int
    times_scored: int


class GamePoints(msgspec.Struct, rename="camel", kw_only=True):
    game_id: uuid.UUID
    external_game_id: str
    points: int | float
    tasks: list[TaskPoints]


class PlayerPoints(msgspec.Struct, rename="camel", kw_only=True):
    external_user_id: str
    points: int | float
    games: list[GamePoints]


class QueryAnswer(msgspec.Struct, kw_only=True):
    """Players in the order they were asked for, each once; those that are not known by their names."""

    items: list[PlayerPoints]
    unknown: list[str]


class PlayerPointsView(ApiView):
    @endpoint(
        name="getPlayerPoints",
        summary="A player's points, by game and task",
        tag=TAG,
        scope="read",
        answers={200: PlayerPoints},
        errors={404: ["PLAYER_NOT_FOUND"]},
    )
    def get(self, request: Request, user: str) -> HttpResponse:
        player = selectors.player_by_name(self.principal.realm_id, user)
        return json_response(players_points([player])[0])


class PlayersPointsQueryView(ApiView):
    """A POST that only reads: 500 ids are too long for a URL."""

    scopes: ClassVar[dict[str, str]] = {"POST": Scope.READ}

    @endpoint(
        name="queryPlayersPoints",
        summary="The points of up to 500 players, by game and task",
        tag=TAG,
        scope="read",
        body=QueryBody,
        answers={200: QueryAnswer},
    )
    def post(self, request: Request) -> HttpResponse:
        names = dict.fromkeys(self.read(QueryBody).external_user_ids)
        rows = Player.objects.filter(realm_id=self.principal.realm_id, external_id__in=names)
        known = {player.external_id: player for player in rows}
        return json_response(
            QueryAnswer(
                items=players_points([known[name] for name in names if name in known]),
                unknown=[name for name in names if name not in known],
            )
        )


class _Row(msgspec.Struct):
    """A player's figures on a task."""

    player_id: uuid.UUID
    game_id: uuid.UUID
    game: str
    task_id: uuid.UUID
    task: str
    points: Decimal
    n_awards: int
    n_scores: int


def players_points(players: Collection[Player]) -> list[PlayerPoints]:
    """Sum the players' running figures. One query, however many players and scores."""
    rows = (
        PlayerTaskStats.objects.filter(player__in=players)
        .order_by("player_id", "task__game__external_id", "task__external_id")
        .values_list(
            "player_id",
            "task__game_id",
            "task__game__external_id",
            "task_id",
            "task__external_id",
            "points_total",
            "n_awards",
            "n_scores",
        )
    )
    by_player = {
        player_id: list(own)
        for player_id, own in groupby((_Row(*row) for row in rows), key=lambda row: row.player_id)
    }
    return [_player_points(player, by_player.get(player.pk, [])) for player in players]


def _player_points(player: Player, rows: list[_Row]) -> PlayerPoints:
    by_game = groupby(rows, key=lambda row: (row.game_id, row.game))
    return PlayerPoints(
        external_user_id=player.external_id,
        points=_sum(rows),
        games=[_game_points(game_id, name, list(in_game)) for (game_id, name), in_game in by_game],
    )


def _game_points(game_id: uuid.UUID, name: str, rows: list[_Row]) -> GamePoints:
    return GamePoints(
        game_id=game_id,
        external_game_id=name,
        points=_sum(rows),
        tasks=[
            TaskPoints(
                task_id=row.task_id,
                external_task_id=row.task,
                points=json_number(row.points),
                times_awarded=row.n_awards,
                times_scored=row.n_scores,
            )
            for row in rows
        ],
    )


def _sum(rows: list[_Row]) -> int | float:
    return json_number(sum((row.points for row in rows), start=Decimal(0)))
