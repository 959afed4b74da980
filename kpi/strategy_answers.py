"""What is said of a strategy, and of two of them."""

from datetime import datetime
from typing import Literal

import msgspec

Source = Literal["ledger", "traces", "ledger and traces"]


class Interval(msgspec.Struct, kw_only=True):
    """A figure with its 95 % interval; no bounds where too little was seen for any."""

    value: float
    low: float | None
    high: float | None


class Executions(msgspec.Struct, rename="camel", kw_only=True):
    """Successful runs are the ledger's scores; failed ones are traced within the budget for storms, so at least these."""

    source: Source = "ledger and traces"
    total: float
    by_status: dict[str, float]
    success_rate: Interval | None
    error_rate: Interval | None


class Bucket(msgspec.Struct, rename="camel", kw_only=True):
    """Runs up to so many seconds and over the bucket before; the last one has no bound."""

    up_to_seconds: float | None
    n: float


class Distribution(msgspec.Struct, rename="camel", kw_only=True):
    """Of a weighted sample. `effectiveN`: how many unweighted rows say as much."""

    source: Source = "traces"
    n_rows: int
    effective_n: float
    mean: Interval | None
    p50: float | None
    p95: float | None
    p99: float | None
    max: float | None


class TopError(msgspec.Struct, rename="camel", kw_only=True):
    code: str
    node_id: str | None
    n: float


class TopErrors(msgspec.Struct, kw_only=True):
    source: Source = "traces"
    items: list[TopError]


class TopCase(msgspec.Struct, rename="camel", kw_only=True):
    case_name: str
    n: int
    points: int | float


class TopCases(msgspec.Struct, kw_only=True):
    source: Source = "ledger"
    items: list[TopCase]


class PointsBin(msgspec.Struct, rename="camel", kw_only=True):
    """Scores of at least `low` points and under `high`; the last bin has its upper bound in it."""

    low: float
    high: float
    n: int


class ScoreFigures(msgspec.Struct, rename="camel", kw_only=True):
    """Test events and reversals are left out."""

    source: Source = "ledger"
    total: int
    awards: int
    no_awards: int
    vetoes: int
    fallbacks: int
    award_rate: Interval | None
    veto_rate: Interval | None
    points: int | float
    mean_points: Interval | None
    points_histogram: list[PointsBin]


class StrategyMetrics(msgspec.Struct, rename="camel", kw_only=True):
    """A strategy in a window of time. Every part names its source: the ledger is exact, traces are weighted estimates."""

    strategy_id: str
    version: int | None
    since: datetime
    until: datetime
    executions: Executions
    durations: Distribution
    durations_histogram: list[Bucket]
    nodes: Distribution
    scores: ScoreFigures
    top_errors: TopErrors
    top_cases: TopCases


class Differences(msgspec.Struct, rename="camel", kw_only=True):
    """Second minus first, with 95 % intervals: shares by Newcombe, means by Welch. None where a side has nothing."""

    success_rate: Interval | None
    error_rate: Interval | None
    award_rate: Interval | None
    veto_rate: Interval | None
    mean_points: Interval | None
    mean_duration_seconds: Interval | None
    mean_nodes: Interval | None


class Comparison(msgspec.Struct, kw_only=True):
    a: StrategyMetrics
    b: StrategyMetrics
    differences: Differences
