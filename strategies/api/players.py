"""What a player has earned."""

import uuid
from decimal import Decimal

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request

from gameproject.lib.api import json_number
from gameproject.lib.openapi import endpoint
from strategies import selectors
from strategies.api.base import ApiView, json_response
from strategies.models import Player, PlayerGameStats, PlayerTaskStats


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


class PlayerPointsView(ApiView):
    @endpoint(
        name="getPlayerPoints",
        summary="A player's points, by game and task",
        tag="Players",
        scope="read",
        answers={200: PlayerPoints},
        errors=[404],
    )
    def get(self, request: Request, user: str) -> HttpResponse:
        player = selectors.player_by_name(self.principal.realm_id, user)
        return json_response(player_points(player))


def player_points(player: Player) -> PlayerPoints:
    """Sum a player's running figures, test scores not among them. Two queries, however many scores."""
    tasks: dict[uuid.UUID, list[TaskPoints]] = {}
    for row in (
        PlayerTaskStats.objects.filter(player=player).select_related("task").order_by("task__external_id")
    ):
        tasks.setdefault(row.task.game_id, []).append(
            TaskPoints(
                task_id=row.task_id,
                external_task_id=row.task.external_id,
                points=json_number(row.points_total),
                times_awarded=row.n_awards,
                times_scored=row.n_scores,
            )
        )
    in_games = list(
        PlayerGameStats.objects.filter(player=player).select_related("game").order_by("game__external_id")
    )
    return PlayerPoints(
        external_user_id=player.external_id,
        points=json_number(sum((row.points_total for row in in_games), start=Decimal(0))),
        games=[
            GamePoints(
                game_id=row.game_id,
                external_game_id=row.game.external_id,
                points=json_number(row.points_total),
                tasks=tasks.get(row.game_id, []),
            )
            for row in in_games
        ],
    )
