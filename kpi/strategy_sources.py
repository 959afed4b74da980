"""What the ledger and the traces say of a strategy in a window of time, in SQL.

The ledger has every successful run, so what comes from it is exact; whole hours of it are read as they were counted
(kpi/hourly.py), in a histogram by points to three significant digits. The traces have every failed run within the budget
for storms, every slow one and a sample of the others, each with its weight; a long window is estimated from a part of them.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any, Final, NamedTuple

from django.db import connection

from gameproject.lib.ids import lowest_uuid7
from gameproject.lib.windows import CLOCKS_DIFFER_BY
from kpi import hourly
from kpi.rollup import Window
from observability import partitions
from observability.metrics import DURATION_BUCKETS
from observability.partitions import ByDay

N_TOP: Final = 10
N_BINS: Final = 10
RESOLUTION: Final = timedelta(microseconds=1)
MAX_BYTES: Final = 8 * 2**20  # of traces, read at once: five thousand or more
SAMPLES, ERRORS_BY_MONTH = partitions.EXECUTIONS

WHAT: Final = """realm_id = %(realm)s AND strategy_id = %(strategy)s
    AND (%(version)s::uuid IS NULL OR strategy_version_id = %(version)s)
    AND created_at >= %(since)s AND created_at < %(until)s AND NOT is_test"""
# The hours that were counted, and before and after them the ledger itself.
IN_LEDGER: Final = f"""
SELECT created_at, strategy_version_id, outcome, case_name, fallback IS NOT NULL, 1, points, points * points, points, points
FROM strategies_score WHERE {WHAT} AND outcome <> 'reversal'"""  # noqa: S608  # constants
RUNS: Final = f"""FROM (
    SELECT hour AS at, strategy_version_id, outcome, case_name, has_fallback, n, points, squares, least, most
    FROM kpi_hourlyscores
    WHERE realm_id = %(realm)s AND strategy_id = %(strategy)s
      AND (%(version)s::uuid IS NULL OR strategy_version_id = %(version)s) AND hour >= %(first)s AND hour < %(last)s
    UNION ALL {IN_LEDGER} AND created_at < %(first)s AND id >= %(low)s AND id <= %(first_high)s
    UNION ALL {IN_LEDGER} AND created_at >= %(last)s AND id >= %(last_low)s AND id <= %(high)s
) AS runs WHERE TRUE"""  # noqa: S608  # constants
# Of more than can be read in no time, some pages of the table, always the same; their rows stand for the others too.
OF_SAMPLES: Final = f"TABLESAMPLE SYSTEM (100 * %(of_samples)s) REPEATABLE (1) WHERE {WHAT} AND NOT is_error"
OF_FAILED: Final = f"TABLESAMPLE SYSTEM (100 * %(of_failed)s) REPEATABLE (1) WHERE {WHAT} AND is_error"
FAILED: Final = f"""FROM (
    SELECT created_at, status, code, node_id, weight / %(of_failed)s AS weight
    FROM observability_strategyexecutionlog {OF_FAILED}
) AS failed"""  # noqa: S608  # constants
TRACES: Final = f"""FROM (
    SELECT duration_seconds, nodes, weight / %(of_samples)s AS weight FROM observability_strategyexecutionlog {OF_SAMPLES}
    UNION ALL
    SELECT duration_seconds, nodes, weight / %(of_failed)s FROM observability_strategyexecutionlog {OF_FAILED}
) AS traces"""  # noqa: S608  # constants

SCORES: Final = f"""
SELECT coalesce(sum(n) FILTER (WHERE outcome = 'award'), 0)::bigint,
       coalesce(sum(n) FILTER (WHERE outcome = 'no_award'), 0)::bigint,
       coalesce(sum(n) FILTER (WHERE outcome = 'veto'), 0)::bigint,
       coalesce(sum(n) FILTER (WHERE has_fallback), 0)::bigint,
       coalesce(sum(points), 0), coalesce(sum(points) / sum(n), 0),
       coalesce((sum(squares) - sum(points) * sum(points) / sum(n)) / nullif(sum(n) - 1, 0), 0), min(least), max(most)
{RUNS}
"""
CASES: Final = f"""
SELECT case_name, sum(n)::bigint, sum(points) {RUNS} AND case_name IS NOT NULL
GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {N_TOP}
"""
POINTS: Final = f"""
SELECT least(width_bucket(points / n, %(lowest)s, %(highest)s, {N_BINS}), {N_BINS}), sum(n)::bigint {RUNS} GROUP BY 1
"""
STATUSES: Final = f"SELECT status, sum(weight) {FAILED} GROUP BY 1 ORDER BY 1"
ERRORS: Final = f"""
SELECT code, node_id, sum(weight) {FAILED} GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT {N_TOP}
"""
BUCKETS: Final = f"""
SELECT width_bucket(duration_seconds, ARRAY[{", ".join(map(str, DURATION_BUCKETS))}]::float8[]), sum(weight)
{TRACES} GROUP BY 1
"""
TIMES: Final = f"""
SELECT date_bin(%(step)s::interval, at, TIMESTAMPTZ '2000-01-01 00:00+00'), coalesce(case_name, outcome),
       strategy_version_id, sum(n)::bigint, sum(points)
{RUNS} GROUP BY 1, 2, 3 ORDER BY 1
"""
FAILURE_TIMES: Final = f"""
SELECT date_bin(%(step)s::interval, created_at, TIMESTAMPTZ '2000-01-01 00:00+00'), code, sum(weight)
{FAILED} GROUP BY 1, 2 ORDER BY 1
"""
# Weighted by a running sum; the variance by the weighted second moment.
OF_ONE: Final = """
SELECT count(*), min(w), sum(weight * weight), min(mean), max({value}), sum(weight * ({value} - mean) ^ 2) / min(w),
       min({value}) FILTER (WHERE seen >= 0.50 * w * (1 - 1e-12)),
       min({value}) FILTER (WHERE seen >= 0.95 * w * (1 - 1e-12)),
       min({value}) FILTER (WHERE seen >= 0.99 * w * (1 - 1e-12))
FROM (SELECT {value}, weight, sum(weight) OVER (ORDER BY {value}) AS seen FROM rows) AS running,
     (SELECT sum(weight) AS w, sum(weight * {value}) / sum(weight) AS mean FROM rows) AS total
"""
# Both of one reading: durations, then nodes.
BOTH: Final = f"""
WITH rows AS MATERIALIZED (SELECT duration_seconds, nodes::float8 AS nodes, weight {TRACES})
{OF_ONE.format(value="duration_seconds")} UNION ALL {OF_ONE.format(value="nodes")}
"""


@dataclass(frozen=True)
class Part:
    """A strategy of a realm, in all its versions or in one, in a window of time. Test events are left out."""

    realm_id: uuid.UUID
    strategy_id: uuid.UUID
    version_id: uuid.UUID | None
    since: datetime
    until: datetime

    @cached_property
    def hours(self) -> Window:
        """Return the whole hours of the window that were counted; an empty window where there are none."""
        counted = hourly.counted()
        if counted is not None:
            first = max(counted.begin, hourly.hour_of(self.since + hourly.HOUR - RESOLUTION))
            last = min(counted.end, hourly.hour_of(self.until))
            if first < last:
                return Window(first, last)
        return Window(self.until, self.until)

    @cached_property
    def parameters(self) -> dict[str, Any]:
        first, last = self.hours
        return {
            "of_samples": self._share_read(SAMPLES),
            "of_failed": self._share_read(ERRORS_BY_MONTH),
            "first": first,
            "last": last,
            "first_high": lowest_uuid7(first + CLOCKS_DIFFER_BY),
            "last_low": lowest_uuid7(last - CLOCKS_DIFFER_BY),
            "realm": self.realm_id,
            "strategy": self.strategy_id,
            "version": self.version_id,
            "since": self.since,
            "until": self.until,
            "low": lowest_uuid7(self.since - CLOCKS_DIFFER_BY),
            "high": lowest_uuid7(self.until + CLOCKS_DIFFER_BY),
        }

    def _share_read(self, table: ByDay) -> float:
        n_bytes = partitions.n_bytes(table, self.since.date(), self.until.date())
        return min(1.0, MAX_BYTES / n_bytes) if n_bytes else 1.0


class Scores(NamedTuple):
    n_awards: int
    n_no_awards: int
    n_vetoes: int
    n_fallbacks: int
    points: Decimal
    mean_points: Decimal
    variance: Decimal
    least_points: Decimal | None
    most_points: Decimal | None

    @property
    def n(self) -> int:
        return self.n_awards + self.n_no_awards + self.n_vetoes


class Case(NamedTuple):
    case_name: str
    n: int
    points: Decimal


class Error(NamedTuple):
    code: str
    node_id: str | None
    n: float


class RunsAt(NamedTuple):
    """Scores from a time on, for as long as a step, by case (or outcome) and version."""

    at: datetime
    case_name: str
    version_id: uuid.UUID
    n: int
    points: Decimal


class FailuresAt(NamedTuple):
    at: datetime
    code: str
    n: float


class Sample(NamedTuple):
    """A weighted sample. `sum_of_squares` is that of the weights, `variance` that of the values, by weight."""

    n_rows: int
    weight: float | None
    sum_of_squares: float | None
    mean: float | None
    most: float | None
    variance: float | None
    p50: float | None
    p95: float | None
    p99: float | None


def scores(part: Part) -> Scores:
    (row,) = _rows(SCORES, part)
    return Scores(*row)


def top_cases(part: Part) -> list[Case]:
    return [Case(*row) for row in _rows(CASES, part)]


def points_by_bin(part: Part, lowest: Decimal, highest: Decimal) -> dict[int, int]:
    """Count scores by ten bins of equal width, from 1 on."""
    return dict(_rows(POINTS, part, lowest=lowest, highest=highest))


def runs_by_time(part: Part, step: timedelta) -> list[RunsAt]:
    return [RunsAt(*row) for row in _rows(TIMES, part, step=step)]


def failures_by_time(part: Part, step: timedelta) -> list[FailuresAt]:
    return [FailuresAt(*row) for row in _rows(FAILURE_TIMES, part, step=step)]


def failures_by_status(part: Part) -> dict[str, float]:
    return dict(_rows(STATUSES, part))


def top_errors(part: Part) -> list[Error]:
    return [Error(*row) for row in _rows(ERRORS, part)]


def durations_by_bucket(part: Part) -> dict[int, float]:
    """Count runs by the metric's buckets: 0 is below the first bound."""
    return dict(_rows(BUCKETS, part))


def durations_and_nodes(part: Part) -> tuple[Sample, Sample]:
    durations, nodes = _rows(BOTH, part)
    return Sample(*durations), Sample(*nodes)


def _rows(statement: str, part: Part, **more: Any) -> Iterator[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {**part.parameters, **more})
        yield from cursor.fetchall()
