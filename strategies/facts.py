"""From the running figures to the facts that a program names. Pure: figures and times in, values out."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from gameproject.lib.api import json_number

RECENT_SECONDS: Final = 300


@dataclass(slots=True)
class Figures:
    """What the locking read returned, and the event's own words. Times are aware; counts are None if unread."""

    scored_at: datetime
    occurred_at: datetime | None
    time_zone: ZoneInfo
    external_game_id: str
    external_task_id: str
    external_user_id: str
    points_total: Decimal
    streak_days: int
    last_day: date | None
    n_scores: int | None
    first_at: datetime | None
    last_at: datetime | None
    previous_at: datetime | None
    task_n_scores: int | None
    task_first_at: datetime | None
    task_last_at: datetime | None
    n_recent: int | None

    @property
    def event_time(self) -> datetime:
        """The time that `event.*` speaks of, in the game's time zone."""
        return (self.occurred_at or self.scored_at).astimezone(self.time_zone)

    @property
    def day(self) -> date:
        """The day of scoring in the game's time zone: what streaks count in."""
        return self.scored_at.astimezone(self.time_zone).date()


def mean_gap_seconds(n: int | None, first: datetime | None, last: datetime | None) -> float | None:
    """Mean seconds between n consecutive events: (last - first) / (n - 1); None for fewer than two."""
    if n is None or n < 2 or first is None or last is None:
        return None
    return (last - first).total_seconds() / (n - 1)


def gap_seconds(earlier: datetime | None, later: datetime | None) -> float:
    """Seconds from one event to the next, 0 without one. A clock that was set back gives 0, not less."""
    if earlier is None or later is None:
        return 0
    return max(0.0, (later - earlier).total_seconds())


def streak(streak_days: int, last_day: date | None, today: date) -> int:
    """Consecutive days with a score, up to yesterday or today; a streak that ended is 0."""
    return streak_days if last_day is not None and last_day >= today - timedelta(days=1) else 0


FACTS: Final[dict[str, Callable[[Figures], object]]] = {
    "externalGameId": lambda f: f.external_game_id,
    "externalTaskId": lambda f: f.external_task_id,
    "externalUserId": lambda f: f.external_user_id,
    "user.measurements_count": lambda f: f.n_scores or 0,
    "user.recent_measurements_count": lambda f: f.n_recent or 0,
    "user.avg_time": lambda f: mean_gap_seconds(f.n_scores, f.first_at, f.last_at),
    "user.last_window_diff": lambda f: gap_seconds(f.previous_at, f.last_at),
    "user.new_last_window_diff": lambda f: gap_seconds(f.last_at, f.scored_at),
    "user.points_total": lambda f: json_number(f.points_total),
    "user.streak_days": lambda f: streak(f.streak_days, f.last_day, f.day),
    "task.measurements_count": lambda f: f.task_n_scores or 0,
    "all.avg_time": lambda f: mean_gap_seconds(f.task_n_scores, f.task_first_at, f.task_last_at),
    "event.hour": lambda f: f.event_time.hour,
    "event.weekday": lambda f: f.event_time.weekday(),
    "event.is_weekend": lambda f: f.event_time.weekday() >= 5,
}

READS_PLAYER: Final = frozenset(
    {"user.measurements_count", "user.avg_time", "user.last_window_diff", "user.new_last_window_diff"}
)
READS_TASK: Final = frozenset({"task.measurements_count", "all.avg_time"})
READS_RECENT: Final = frozenset({"user.recent_measurements_count"})


def reads(fields: frozenset[str]) -> tuple[bool, bool, bool]:
    """Say which figures the fields rest on: the player's on the task, the task's own, the recent count."""
    return (
        not fields.isdisjoint(READS_PLAYER),
        not fields.isdisjoint(READS_TASK),
        not fields.isdisjoint(READS_RECENT),
    )


def collect(fields: Iterable[str], figures: Figures) -> dict[str, object]:
    """Compute the facts that a program names, and no other."""
    return {path: FACTS[path](figures) for path in fields}
