"""The running figures of a batch, kept in memory between its events. Pure: figures and scores in, rows out."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from strategies.batch_ledger import OfTask, OnTask, Pair, digits
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
class TaskOfAll:
    """A task's figures as the batch goes on, and what it adds to each slot of them."""

    n_scores: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None
    slots: dict[int, SlotOfTask] = field(default_factory=dict)


class Standing(NamedTuple):
    """All figures that one event reads and changes."""

    in_game: PlayerInGame
    on_task: TaskOfPlayer
    of_task: TaskOfAll

    def add(self, new: NewScore) -> None:
        """Count a score, so that the events after it see it."""
        points, award, at = Decimal(repr(new.points)), int(new.outcome == "award"), new.scored_at
        _add_in_game(self.in_game, points, new.day)
        _add_on_task(self.on_task, points, award, at)
        _add_of_task(self.of_task, new.slot, points, award, at)


def _add_in_game(game: PlayerInGame, points: Decimal, day: date) -> None:
    game.streak_days = next_streak(game.streak_days, game.last_day, day)
    game.last_day = max(game.last_day or day, day)
    game.points_total += points
    game.points += points
    game.n_added += 1


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


def _add_of_task(task: TaskOfAll, slot_number: int, points: Decimal, award: int, at: datetime) -> None:
    task.n_scores += 1
    task.first_at = min(task.first_at or at, at)
    task.last_at = max(task.last_at or at, at)
    slot = task.slots.get(slot_number)
    if slot is None:
        task.slots[slot_number] = SlotOfTask(1, award, points, at, at)
    else:
        slot.n_added += 1
        slot.n_awards += award
        slot.points += points
        slot.last_at = at


@dataclass(slots=True)
class Figures:
    """The figures of all events of a batch, by whose they are."""

    in_game: dict[Pair, PlayerInGame] = field(default_factory=dict)
    on_task: dict[Pair, TaskOfPlayer] = field(default_factory=dict)
    of_task: dict[int, TaskOfAll] = field(default_factory=dict)

    def begin(
        self,
        on_task: Mapping[Pair, OnTask],
        of_task: Mapping[int, OfTask],
        n_recent: Mapping[Pair, int],
    ) -> None:
        """Begin with what was read; of what was not, with nothing."""
        self.on_task = {
            pair: TaskOfPlayer(*row, n_recent=n_recent.get(pair, 0)) for pair, row in on_task.items()
        }
        for pair in n_recent.keys() - on_task.keys():
            self.on_task[pair] = TaskOfPlayer(n_recent=n_recent[pair])
        self.of_task = {task: TaskOfAll(*row) for task, row in of_task.items()}

    def of(self, in_game: Pair, on_task: Pair) -> Standing:
        """Return the figures of a player in a game and on a task of it."""
        # Not `setdefault`, which would make one each time.
        player = self.on_task.get(on_task)
        if player is None:
            player = self.on_task[on_task] = TaskOfPlayer()
        task = self.of_task.get(on_task[1])
        if task is None:
            task = self.of_task[on_task[1]] = TaskOfAll()
        return Standing(self.in_game[in_game], player, task)

    def rows_in_game(self) -> list[dict[str, object]]:
        """Show what to add to players' figures in games, as `batch_ledger.write_pairs` takes it."""
        return [
            {
                "player": digits(player),
                "game": digits(game),
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
                "player": digits(player),
                "task": digits(task),
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
                "task": digits(task),
                "slot": slot,
                "n_scores": row.n_added,
                "n_awards": row.n_awards,
                "points": row.points,
                "first_at": row.first_at,
                "last_at": row.last_at,
            }
            for task, all_of_it in self.of_task.items()
            for slot, row in all_of_it.slots.items()
        ]


def next_streak(streak_days: int, last_day: date | None, day: date) -> int:
    """Go on with a streak, as `score_write` does: the same day, the next day, or a new beginning."""
    if last_day is None:
        return 1
    if last_day >= day:
        return streak_days
    return streak_days + 1 if last_day == day - timedelta(days=1) else 1
