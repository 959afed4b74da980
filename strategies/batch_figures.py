"""The running figures of a batch, kept in memory between its events. Pure: figures and scores in, rows out."""

import uuid
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Self

from strategies.batch_ledger import OfTask, OnTask, Pair
from strategies.ledger import NewScore


@dataclass(slots=True)
class TaskOfPlayer:
    """A player's figures on a task as the batch goes on, and what it adds to them."""

    n_scores: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    previous_at: datetime | None = None
    n_recent: int = 0
    n_added: int = 0
    n_awards: int = 0
    points: Decimal = Decimal(0)
    added_first_at: datetime | None = None
    added_previous_at: datetime | None = None

    @classmethod
    def known(cls, row: OnTask | None, *, n_recent: int) -> Self:
        """Begin with what was read; nothing was for a first event."""
        return cls(n_recent=n_recent) if row is None else cls(*row, n_recent=n_recent)


@dataclass(slots=True)
class PlayerInGame:
    """A player's figures in a game as the batch goes on."""

    points_total: Decimal
    streak_days: int
    last_day: date | None
    n_added: int = 0
    points: Decimal = Decimal(0)


@dataclass(slots=True)
class SlotOfTask:
    """What the batch adds to a slot of a task."""

    n_added: int
    n_awards: int
    points: Decimal
    first_at: datetime
    last_at: datetime


@dataclass(slots=True)
class Figures:
    """All figures that the batch reads and changes, by whose they are."""

    in_game: dict[Pair, PlayerInGame] = field(default_factory=dict)
    on_task: dict[Pair, TaskOfPlayer] = field(default_factory=dict)
    of_task: dict[uuid.UUID, OfTask] = field(default_factory=dict)
    slots: dict[tuple[uuid.UUID, int], SlotOfTask] = field(default_factory=dict)

    def add(self, new: NewScore) -> None:
        """Count a score, so that the events after it see it."""
        points, award, at = Decimal(repr(new.points)), int(new.outcome == "award"), new.scored_at
        game = self.in_game[new.player_id, new.game_id]
        game.streak_days = next_streak(game.streak_days, game.last_day, new.day)
        game.last_day = max(game.last_day or new.day, new.day)
        game.points_total += points
        game.points += points
        game.n_added += 1
        self._add_on_task(self.on_task[new.player_id, new.task_id], points, award, at)
        before = self.of_task.get(new.task_id)
        self.of_task[new.task_id] = (
            OfTask(before.n_scores + 1, min(before.first_at, at), max(before.last_at, at))
            if before
            else OfTask(1, at, at)
        )
        slot = self.slots.get((new.task_id, new.slot))
        if slot is None:
            self.slots[new.task_id, new.slot] = SlotOfTask(1, award, points, at, at)
        else:
            slot.n_added += 1
            slot.n_awards += award
            slot.points += points
            slot.last_at = at

    @staticmethod
    def _add_on_task(task: TaskOfPlayer, points: Decimal, award: int, at: datetime) -> None:
        if task.n_added:
            task.added_previous_at = task.last_at
        task.added_first_at = task.added_first_at or at
        task.first_at = task.first_at or at
        task.previous_at, task.last_at = task.last_at, at
        task.n_scores += 1
        task.n_recent += 1
        task.n_added += 1
        task.n_awards += award
        task.points += points

    def rows_in_game(self) -> list[dict[str, object]]:
        """Show what to add to players' figures in games, as `batch_ledger.write_pairs` takes it."""
        return [
            {
                "player": player,
                "game": game,
                "n_scores": row.n_added,
                "points": row.points,
                "streak_days": row.streak_days,
                "last_day": row.last_day,
            }
            for (player, game), row in self.in_game.items()
            if row.n_added
        ]

    def rows_on_task(self) -> list[dict[str, object]]:
        """Show what to add to players' figures on tasks."""
        return [
            {
                "player": player,
                "task": task,
                "n_scores": row.n_added,
                "n_awards": row.n_awards,
                "points": row.points,
                "first_at": row.added_first_at,
                "last_at": row.last_at,
                "previous_at": row.added_previous_at,
            }
            for (player, task), row in self.on_task.items()
            if row.n_added
        ]

    def rows_of_slots(self) -> list[dict[str, object]]:
        """Show what to add to the tasks' slots."""
        return [
            {
                "task": task,
                "slot": slot,
                "n_scores": row.n_added,
                "n_awards": row.n_awards,
                "points": row.points,
                "first_at": row.first_at,
                "last_at": row.last_at,
            }
            for (task, slot), row in self.slots.items()
        ]


def next_streak(streak_days: int, last_day: date | None, day: date) -> int:
    """Go on with a streak, as `score_write` does: the same day, the next day, or a new beginning."""
    if last_day is None:
        return 1
    if last_day >= day:
        return streak_days
    return streak_days + 1 if last_day == day - timedelta(days=1) else 1
