"""What was given in a game and for a task, from the running figures: test scores are not among them."""

import uuid
from collections.abc import Collection
from datetime import date
from decimal import Decimal
from typing import NamedTuple

import msgspec
from django.db.models import Sum
from django.http import HttpResponse
from rest_framework.request import Request

from gameproject.lib.api import cut_page, json_number
from gameproject.lib.openapi import endpoint
from strategies import selectors
from strategies.api.base import ApiView, json_response
from strategies.api.pages import PAGE_PARAMETERS
from strategies.api.players import TaskPoints
from strategies.models import Game, PlayerGameStats, Task, TaskStats


class GameTotals(msgspec.Struct, rename="camel", kw_only=True):
    """The sums of the whole game, and a page of its tasks, newest first."""

    game_id: uuid.UUID
    external_game_id: str
    points: int | float
    times_awarded: int
    times_scored: int
    tasks: list[TaskPoints]
    next_cursor: str | None


class GamePlayer(msgspec.Struct, rename="camel", kw_only=True):
    external_user_id: str
    points: int | float
    times_scored: int
    streak_days: int
    last_day: date | None


class GamePlayerPage(msgspec.Struct, rename="camel"):
    items: list[GamePlayer]
    next_cursor: str | None


class Figures(NamedTuple):
    points: Decimal
    n_awards: int
    n_scores: int


class GamePointsView(ApiView):
    @endpoint(
        name="getGamePoints",
        summary="The points given in a game, in all and by task",
        tag="Games and tasks",
        scope="read",
        answers={200: GameTotals},
        errors={404: ["GAME_NOT_FOUND"]},
        parameters=PAGE_PARAMETERS,
    )
    def get(self, request: Request, game: str) -> HttpResponse:
        row = selectors.game_by_name(self.principal.realm_id, game)
        tasks, next_cursor = cut_page(request, Task.objects.filter(game=row))
        by_task = figures_of(tasks)
        in_all = _figures_in(row)
        return json_response(
            GameTotals(
                game_id=row.pk,
                external_game_id=row.external_id,
                points=json_number(in_all.points),
                times_awarded=in_all.n_awards,
                times_scored=in_all.n_scores,
                tasks=[_task_points(task, by_task.get(task.pk, NOTHING)) for task in tasks],
                next_cursor=next_cursor,
            )
        )


class GamePlayersView(ApiView):
    @endpoint(
        name="listGamePlayers",
        summary="The players who scored in a game, newest first",
        tag="Players",
        scope="read",
        answers={200: GamePlayerPage},
        errors={404: ["GAME_NOT_FOUND"]},
        parameters=PAGE_PARAMETERS,
    )
    def get(self, request: Request, game: str) -> HttpResponse:
        row = selectors.game_by_name(self.principal.realm_id, game)
        rows = PlayerGameStats.objects.filter(game=row, n_scores__gt=0).select_related("player")
        found, next_cursor = cut_page(request, rows, key="player_id")
        return json_response(GamePlayerPage([_game_player(stats) for stats in found], next_cursor))


def task_totals(task: Task) -> TaskPoints:
    return _task_points(task, figures_of([task]).get(task.pk, NOTHING))


NOTHING = Figures(Decimal(0), 0, 0)
SUMS = {name: Sum(name) for name in ("points_total", "n_awards", "n_scores")}


def figures_of(tasks: Collection[Task]) -> dict[uuid.UUID, Figures]:
    """Sum the slots of each task; a task without scores has none."""
    rows = TaskStats.objects.filter(task__in=tasks).values_list("task_id").annotate(**SUMS)
    return {task_id: Figures(*sums) for task_id, *sums in rows}


def _figures_in(game: Game) -> Figures:
    sums = TaskStats.objects.filter(task__game=game).aggregate(**SUMS)
    return NOTHING if sums["n_scores"] is None else Figures(*(sums[name] for name in SUMS))


def _task_points(task: Task, figures: Figures) -> TaskPoints:
    return TaskPoints(
        task_id=task.pk,
        external_task_id=task.external_id,
        points=json_number(figures.points),
        times_awarded=figures.n_awards,
        times_scored=figures.n_scores,
    )


def _game_player(stats: PlayerGameStats) -> GamePlayer:
    return GamePlayer(
        external_user_id=stats.player.external_id,
        points=json_number(stats.points_total),
        times_scored=stats.n_scores,
        streak_days=stats.streak_days,
        last_day=stats.last_day,
    )
