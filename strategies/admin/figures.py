"""Figures beside a game, a task and a player: few statements, and none that reads a whole large table."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from django.db.models import Max, Min, QuerySet, Sum

from gameproject.lib.admin.rows import MAX_COUNTED
from strategies import selectors
from strategies.models import (
    Alias,
    Game,
    Player,
    PlayerGameStats,
    PlayerTaskStats,
    Score,
    Strategy,
    Task,
    TaskStats,
)
from strategies.models.strategies import PRODUCTION

MAX_ROWS: Final = 100
LATEST: Final = 10


@dataclass(frozen=True, slots=True)
class Effective:
    """What scores a game or a task now; `inherited` says that a task has it from its game."""

    strategy: Strategy
    alias: Alias | None
    inherited: bool


def effective_strategy(row: Game | Task) -> Effective:
    own = row.strategy
    strategy = own if own is not None else row.game.strategy  # type: ignore[union-attr]  # a game has its own
    alias = Alias.objects.filter(strategy=strategy, name=PRODUCTION).select_related("version").first()
    return Effective(strategy, alias, inherited=own is None)


def bounded_count(rows: QuerySet[Any]) -> str:
    n_rows = rows.order_by()[: MAX_COUNTED + 1].count()
    return f"{MAX_COUNTED:,}+" if n_rows > MAX_COUNTED else f"{n_rows:,}"


def of_task(task: Task) -> dict[str, Any]:
    """Sum a task's slots: eight rows at most."""
    sums = TaskStats.objects.filter(task=task).aggregate(
        n_scores=Sum("n_scores", default=0),
        n_awards=Sum("n_awards", default=0),
        points_total=Sum("points_total", default=Decimal(0)),
        first_at=Min("first_at"),
        last_at=Max("last_at"),
    )
    return {**sums, "effective": effective_strategy(task), "latest": latest_scores(task=task)}


def of_game(game: Game) -> dict[str, Any]:
    return {
        "effective": effective_strategy(game),
        "n_tasks": bounded_count(Task.objects.filter(game=game)),
        "n_players": bounded_count(PlayerGameStats.objects.filter(game=game)),
        "latest": latest_scores(game=game),
    }


def of_player(player: Player) -> dict[str, Any]:
    """Return a player's totals by game and by task, the latest first.

    Games come by way of the tasks: no index of the game totals begins with the player.
    """
    by_task = (
        PlayerTaskStats.objects.filter(player=player).select_related("task__game").order_by("-last_at")
    )[:MAX_ROWS]
    games = {stats.task.game_id for stats in by_task}
    by_game = PlayerGameStats.objects.filter(player=player, game__in=games).select_related("game")
    newest = selectors.newest_scores([player], LATEST).values("pk")[:LATEST]
    return {
        "by_task": by_task,
        "by_game": by_game.order_by("-points_total"),
        "latest": with_names(Score.objects.filter(pk__in=newest)),
    }


def latest_scores(**where: object) -> QuerySet[Score]:
    return with_names(Score.objects.filter(**where))[:LATEST]


def with_names(rows: QuerySet[Score]) -> QuerySet[Score]:
    """Read what a line of a score shows, newest first."""
    return (
        rows.select_related("player", "task")
        .only("created_at", "points", "outcome", "case_name", "player__external_id", "task__external_id")
        .order_by("-pk")
    )
