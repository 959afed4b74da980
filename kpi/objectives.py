"""Service level objectives: what is promised of 30 days, and what is left of what may go wrong.

Of each day an objective counts what there was and how much of that was bad. From the sums alone follow the share that was
good, the error budget and what is left of it. ops/prometheus/rules/objectives.yml promises the same to the alerts, and a
test compares the two. Pure: rows that were never stored will do.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from kpi.models import KpiMetrics
from kpi.rollup import share, window_of

DAYS: Final = 30
MINUTE: Final = timedelta(minutes=1)


class Count(NamedTuple):
    n: float
    n_bad: float


@dataclass(frozen=True, slots=True)
class Objective:
    """A promise: at least `target` of the `unit` are good. `count` reads a day; None where the day does not know."""

    name: str
    title: str
    target: float
    unit: str
    promise: str
    source: str
    count: Callable[[KpiMetrics], Count | None]
    within_milliseconds: int | None = None


@dataclass(frozen=True, slots=True)
class Kept:
    """An objective, what was counted for it on the days that knew, and how well it was kept."""

    objective: Objective
    n_days: int
    n: float
    n_bad: float

    @property
    def share(self) -> float | None:
        """The share that was good; of nothing there is none."""
        return share(self.n - self.n_bad, self.n)

    @property
    def budget(self) -> float:
        """How much may be bad, of as much as there was."""
        return round((1 - self.objective.target) * self.n, 6)

    @property
    def budget_left(self) -> float | None:
        """The share of the budget that is left: below 0 the objective is missed."""
        return share(self.budget - self.n_bad, self.budget)

    @property
    def is_met(self) -> bool | None:
        return None if self.budget_left is None else self.budget_left >= 0


def keep(objective: Objective, rows: Iterable[KpiMetrics]) -> Kept:
    """Sum an objective over days."""
    counts = [count for row in rows if (count := objective.count(row)) is not None]
    return Kept(objective, len(counts), sum(each.n for each in counts), sum(each.n_bad for each in counts))


def _minutes(row: KpiMetrics) -> Count | None:
    if row.uptime_share is None:
        return None
    window = window_of(row.day, ZoneInfo(row.time_zone))
    minutes = (min(window.end, row.rolled_up_at) - window.begin) / MINUTE
    return Count(minutes, round(minutes * (1 - row.uptime_share), 3))


def _requests(row: KpiMetrics) -> Count:
    return Count(row.n_requests, round(row.n_requests * (row.server_error_rate or 0)))


def _scores_over_200_ms(row: KpiMetrics) -> Count | None:
    return _known(row.n_score_requests, row.n_score_requests_over_200_ms)


def _scores_over_500_ms(row: KpiMetrics) -> Count | None:
    return _known(row.n_score_requests, row.n_score_requests_over_500_ms)


def _known(n: int | None, n_bad: int | None) -> Count | None:
    return None if n is None or n_bad is None else Count(n, n_bad)


def _runs(row: KpiMetrics) -> Count:
    return Count(row.n_executions, round(row.n_executions * (row.execution_error_rate or 0)))


OBJECTIVES: Final = (
    Objective(
        name="availability",
        title="Availability",
        target=0.999,
        unit="minutes",
        promise="PostgreSQL is there",
        source="uptime log",
        count=_minutes,
    ),
    Objective(
        name="errors",
        title="Server errors",
        target=0.99,
        unit="requests",
        promise="end without a server error (5xx)",
        source="request records",
        count=_requests,
    ),
    Objective(
        name="score_p95",
        title="Score latency, p95",
        target=0.95,
        unit="scores",
        promise="take 200 ms at most",
        source="request records",
        count=_scores_over_200_ms,
        within_milliseconds=200,
    ),
    Objective(
        name="score_p99",
        title="Score latency, p99",
        target=0.99,
        unit="scores",
        promise="take 500 ms at most",
        source="request records",
        count=_scores_over_500_ms,
        within_milliseconds=500,
    ),
    Objective(
        name="executions",
        title="Runs of strategies",
        target=0.95,
        unit="runs",
        promise="of strategies succeed",
        source="ledger and traces",
        count=_runs,
    ),
)
