"""How a strategy does: what the ledger knows exactly, what the traces estimate, and two of them side by side."""

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

from gameproject.lib.api import json_number
from kpi import statistics, strategy_sources
from kpi.statistics import Estimate, Moments
from kpi.strategy_answers import (
    Bucket,
    Differences,
    Distribution,
    Executions,
    Interval,
    PointsBin,
    ScoreFigures,
    StrategyMetrics,
    TopCase,
    TopCases,
    TopError,
    TopErrors,
)
from kpi.strategy_sources import N_BINS, Part, Sample, Scores
from observability.metrics import DURATION_BUCKETS

FAILURES: Final = ("error", "timeout", "limit")


class Measured(NamedTuple):
    """All that was read of a strategy: its figures rest on this, and so do differences."""

    scores: Scores
    failures: Mapping[str, float]
    durations: Sample
    nodes: Sample

    @property
    def n_failed(self) -> float:
        return sum(self.failures.values())

    @property
    def n_runs(self) -> float:
        return self.scores.n + self.n_failed

    def share(self, part: float, whole: float) -> Estimate | None:
        return statistics.wilson(part / whole, whole) if whole else None

    @property
    def success_rate(self) -> Estimate | None:
        return self.share(self.scores.n, self.n_runs)

    @property
    def error_rate(self) -> Estimate | None:
        return self.share(self.n_failed, self.n_runs)

    @property
    def award_rate(self) -> Estimate | None:
        return self.share(self.scores.n_awards, self.scores.n)

    @property
    def veto_rate(self) -> Estimate | None:
        return self.share(self.scores.n_vetoes, self.scores.n)

    @property
    def points(self) -> Moments | None:
        scores = self.scores
        return Moments(scores.n, float(scores.mean_points), float(scores.variance)) if scores.n else None


def measure(part: Part) -> Measured:
    durations, nodes = strategy_sources.durations_and_nodes(part)
    return Measured(
        scores=strategy_sources.scores(part),
        failures=strategy_sources.failures_by_status(part),
        durations=durations,
        nodes=nodes,
    )


# ── One strategy ─────────────────────────────────────────────────────────────────────────────────
def describe(part: Part, measured: Measured, *, slug: str, version: int | None) -> StrategyMetrics:
    return StrategyMetrics(
        strategy_id=slug,
        version=version,
        since=part.since,
        until=part.until,
        executions=Executions(
            total=measured.n_runs,
            by_status={"ok": measured.scores.n}
            | {name: measured.failures.get(name, 0.0) for name in FAILURES},
            success_rate=_interval(measured.success_rate),
            error_rate=_interval(measured.error_rate),
        ),
        durations=_distribution(measured.durations),
        durations_histogram=_buckets(strategy_sources.durations_by_bucket(part)),
        nodes=_distribution(measured.nodes),
        scores=_scores(part, measured),
        top_errors=TopErrors(
            items=[
                TopError(code=each.code, node_id=each.node_id, n=each.n)
                for each in strategy_sources.top_errors(part)
            ]
        ),
        top_cases=TopCases(
            items=[
                TopCase(case_name=each.case_name, n=each.n, points=json_number(each.points))
                for each in strategy_sources.top_cases(part)
            ]
        ),
    )


def _scores(part: Part, measured: Measured) -> ScoreFigures:
    scores = measured.scores
    return ScoreFigures(
        total=scores.n,
        awards=scores.n_awards,
        no_awards=scores.n_no_awards,
        vetoes=scores.n_vetoes,
        fallbacks=scores.n_fallbacks,
        award_rate=_interval(measured.award_rate),
        veto_rate=_interval(measured.veto_rate),
        points=json_number(scores.points),
        mean_points=_of_mean(measured.points),
        points_histogram=_points_histogram(part, scores),
    )


def _points_histogram(part: Part, scores: Scores) -> list[PointsBin]:
    if scores.least_points is None or scores.most_points is None:
        return []
    low, high = float(scores.least_points), float(scores.most_points)
    if low == high:
        return [PointsBin(low=low, high=high, n=scores.n)]
    counts = strategy_sources.points_by_bin(part, scores.least_points, scores.most_points)
    width = (high - low) / N_BINS
    return [
        PointsBin(low=low + width * n, high=low + width * (n + 1), n=counts.get(n + 1, 0))
        for n in range(N_BINS)
    ]


def _buckets(counts: Mapping[int, float]) -> list[Bucket]:
    return [
        Bucket(up_to_seconds=bound, n=counts.get(place, 0.0))
        for place, bound in enumerate((*DURATION_BUCKETS, None))
    ]


def _distribution(sample: Sample) -> Distribution:
    found = _moments(sample)
    return Distribution(
        n_rows=sample.n_rows,
        effective_n=found.n if found else 0.0,
        mean=_of_mean(found, lowest=0.0),
        p50=sample.p50,
        p95=sample.p95,
        p99=sample.p99,
        max=sample.most,
    )


def _moments(sample: Sample) -> Moments | None:
    if sample.weight is None or sample.sum_of_squares is None or sample.mean is None:
        return None
    n = statistics.effective_n(sample.weight, sample.sum_of_squares)
    spread = sample.variance or 0.0
    return Moments(n, sample.mean, spread * n / (n - 1) if n > 1 else 0.0)


def _of_mean(found: Moments | None, *, lowest: float = -math.inf) -> Interval | None:
    return _interval(statistics.mean(found, lowest=lowest)) if found else None


def _interval(estimate: Estimate | None) -> Interval | None:
    return None if estimate is None else Interval(value=estimate.value, low=estimate.low, high=estimate.high)


# ── Two of them ──────────────────────────────────────────────────────────────────────────────────
def compared(one: Measured) -> Differences:
    """Return of one what `differences` returns of two: the figures that are subtracted."""
    return Differences(
        success_rate=_interval(one.success_rate),
        error_rate=_interval(one.error_rate),
        award_rate=_interval(one.award_rate),
        veto_rate=_interval(one.veto_rate),
        mean_points=_of_mean(one.points),
        mean_duration_seconds=_of_mean(_moments(one.durations)),
        mean_nodes=_of_mean(_moments(one.nodes)),
    )


def differences(a: Measured, b: Measured) -> Differences:
    """Return b - a."""
    return Differences(
        success_rate=_of_shares(a.success_rate, b.success_rate),
        error_rate=_of_shares(a.error_rate, b.error_rate),
        award_rate=_of_shares(a.award_rate, b.award_rate),
        veto_rate=_of_shares(a.veto_rate, b.veto_rate),
        mean_points=_of_means(a.points, b.points),
        mean_duration_seconds=_of_means(_moments(a.durations), _moments(b.durations)),
        mean_nodes=_of_means(_moments(a.nodes), _moments(b.nodes)),
    )


def _of_shares(a: Estimate | None, b: Estimate | None) -> Interval | None:
    return _interval(statistics.newcombe(a, b)) if a and b else None


def _of_means(a: Moments | None, b: Moments | None) -> Interval | None:
    return _interval(statistics.welch(a, b)) if a and b else None
