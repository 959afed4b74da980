"""Today against the same time last week: how days stood by their times, and between them a straight line."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from kpi.models import DaySoFar, KpiMetrics

WEEK: Final = timedelta(days=7)
DAY: Final = timedelta(days=1)
KEPT: Final = timedelta(days=15)
# Rollups of the running day are an hour apart; where it is more, days are compared by a line that may be far off.
ROUGH_FROM: Final = timedelta(hours=2)
COUNTS: Final = ("n_requests", "n_scores", "points_awarded", "n_active_players")
FIGURES: Final = (*COUNTS, "server_error_rate", "latency_p95_ms")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a day stood. `is_rough`: taken from rollups that lie far apart."""

    at: datetime
    n_requests: float = 0
    server_error_rate: float | None = None
    latency_p95_ms: float | None = None
    n_scores: float = 0
    points_awarded: float = 0
    n_active_players: float = 0
    is_rough: bool = False


def remember(row: KpiMetrics) -> None:
    """Note how the running day of all realms stands, and forget what is older than two weeks."""
    DaySoFar.objects.create(
        day=row.day, at=row.rolled_up_at, **{name: getattr(row, name) for name in FIGURES}
    )
    DaySoFar.objects.filter(day__lt=row.day - KEPT).delete()


def today_and_last_week(today: date) -> tuple[Standing | None, Standing | None]:
    """Return how today stood at its last rollup, and how the same day of last week did by that time (UTC)."""
    days = {row.day: row for row in KpiMetrics.objects.filter(realm=None, day__in=(today, today - WEEK))}
    if today not in days:
        return None, None
    now = _standing(days[today], days[today].rolled_up_at)
    known = [_standing(row, row.at) for row in DaySoFar.objects.filter(day=today - WEEK).order_by("at")]
    begin = datetime.combine(today - WEEK, time(), UTC)
    if not known and today - WEEK not in days:
        return now, None
    if today - WEEK in days:
        known.append(_standing(days[today - WEEK], begin + DAY))
    return now, standing_at(now.at - WEEK, [Standing(begin), *known])


def standing_at(at: datetime, known: Sequence[Standing]) -> Standing | None:
    """Say how a day stood at a time, from how it did before and after; None where one of them is missing. Pure.

    Counts grow along a line. Shares and percentiles do not add up: they are those of the nearer side that has any.
    """
    before = next((each for each in reversed(known) if each.at <= at), None)
    after = next((each for each in known if each.at >= at), None)
    if before is None or after is None:
        return None
    apart = after.at - before.at
    share = (at - before.at) / apart if apart else 0.0
    near, far = (before, after) if share < 0.5 else (after, before)  # the middle
    return Standing(
        at,
        **{
            name: getattr(before, name) + (getattr(after, name) - getattr(before, name)) * share
            for name in COUNTS
        },
        server_error_rate=_first(near.server_error_rate, far.server_error_rate),
        latency_p95_ms=_first(near.latency_p95_ms, far.latency_p95_ms),
        is_rough=apart > ROUGH_FROM,
    )


def _first(value: float | None, other: float | None) -> float | None:
    return other if value is None else value


def _standing(row: KpiMetrics | DaySoFar, at: datetime) -> Standing:
    return Standing(
        at,
        n_requests=row.n_requests,
        server_error_rate=row.server_error_rate,
        latency_p95_ms=row.latency_p95_ms,
        n_scores=row.n_scores,
        points_awarded=float(row.points_awarded),
        n_active_players=row.n_active_players,
    )
