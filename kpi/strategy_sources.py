"""What the ledger and the traces say of a strategy in a window of time, in SQL.

The ledger has every successful run, so what comes from it is exact. The traces have every failed run within the budget
for storms, every slow one and a sample of the others, each with its weight.
"""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple

from django.db import connection

from gameproject.lib.ids import lowest_uuid7
from gameproject.lib.windows import CLOCKS_DIFFER_BY
from observability.metrics import DURATION_BUCKETS

N_TOP: Final = 10
N_BINS: Final = 10

WHAT: Final = """realm_id = %(realm)s AND strategy_id = %(strategy)s
    AND (%(version)s::uuid IS NULL OR strategy_version_id = %(version)s)
    AND created_at >= %(since)s AND created_at < %(until)s AND NOT is_test"""
RUNS: Final = f"""FROM strategies_score
WHERE {WHAT} AND id >= %(low)s AND id <= %(high)s AND outcome <> 'reversal'"""
TRACES: Final = f"FROM observability_strategyexecutionlog WHERE {WHAT}"

SCORES: Final = f"""
SELECT count(*) FILTER (WHERE outcome = 'award'), count(*) FILTER (WHERE outcome = 'no_award'),
       count(*) FILTER (WHERE outcome = 'veto'), count(*) FILTER (WHERE fallback IS NOT NULL),
       coalesce(sum(points), 0), coalesce(avg(points), 0), coalesce(var_samp(points), 0), min(points), max(points)
{RUNS}
"""
CASES: Final = f"""
SELECT case_name, count(*), sum(points) {RUNS} AND case_name IS NOT NULL
GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {N_TOP}
"""
POINTS: Final = f"""
SELECT least(width_bucket(points, %(lowest)s, %(highest)s, {N_BINS}), {N_BINS}), count(*) {RUNS} GROUP BY 1
"""
STATUSES: Final = f"SELECT status, sum(weight) {TRACES} AND is_error GROUP BY 1 ORDER BY 1"
ERRORS: Final = f"""
SELECT code, node_id, sum(weight) {TRACES} AND is_error GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2 LIMIT {N_TOP}
"""
BUCKETS: Final = f"""
SELECT width_bucket(duration_seconds, ARRAY[{", ".join(map(str, DURATION_BUCKETS))}]::float8[]), sum(weight)
{TRACES} GROUP BY 1
"""
TIMES: Final = f"""
SELECT date_bin(%(step)s::interval, created_at, TIMESTAMPTZ '2000-01-01 00:00+00'), coalesce(case_name, outcome),
       strategy_version_id, count(*), sum(points)
{RUNS} GROUP BY 1, 2, 3 ORDER BY 1
"""
FAILURE_TIMES: Final = f"""
SELECT date_bin(%(step)s::interval, created_at, TIMESTAMPTZ '2000-01-01 00:00+00'), code, sum(weight)
{TRACES} AND is_error GROUP BY 1, 2 ORDER BY 1
"""
# Weighted by a running sum; the variance by the weighted second moment.
SAMPLE: Final = """
WITH rows AS (SELECT {value}::float8 AS value, weight FROM observability_strategyexecutionlog WHERE {what}),
     total AS (SELECT count(*) AS n_rows, sum(weight) AS w, sum(weight * weight) AS w2,
                      sum(weight * value) / sum(weight) AS mean, max(value) AS most FROM rows),
     running AS (SELECT value, sum(weight) OVER (ORDER BY value) AS seen FROM rows)
SELECT n_rows, w, w2, mean, most,
       (SELECT sum(weight * (value - mean) ^ 2) / w FROM rows),
       (SELECT min(value) FROM running WHERE seen >= 0.50 * w * (1 - 1e-12)),
       (SELECT min(value) FROM running WHERE seen >= 0.95 * w * (1 - 1e-12)),
       (SELECT min(value) FROM running WHERE seen >= 0.99 * w * (1 - 1e-12))
FROM total
"""


@dataclass(frozen=True, slots=True)
class Part:
    """A strategy of a realm, in all its versions or in one, in a window of time. Test events are left out."""

    realm_id: uuid.UUID
    strategy_id: uuid.UUID
    version_id: uuid.UUID | None
    since: datetime
    until: datetime

    @property
    def parameters(self) -> dict[str, Any]:
        return {
            "realm": self.realm_id,
            "strategy": self.strategy_id,
            "version": self.version_id,
            "since": self.since,
            "until": self.until,
            "low": lowest_uuid7(self.since - CLOCKS_DIFFER_BY),
            "high": lowest_uuid7(self.until + CLOCKS_DIFFER_BY),
        }


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


def durations(part: Part) -> Sample:
    return _sample("duration_seconds", part)


def nodes(part: Part) -> Sample:
    return _sample("nodes", part)


def _sample(value: str, part: Part) -> Sample:
    (row,) = _rows(SAMPLE.format(value=value, what=WHAT), part)
    return Sample(*row)


def _rows(statement: str, part: Part, **more: Any) -> Iterator[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {**part.parameters, **more})
        yield from cursor.fetchall()
