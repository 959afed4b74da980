"""Estimates and their 95 % intervals. Pure.

An interval is about the process behind the figures: how far another day of the same process might lie. Figures that come
from weighted samples use Kish's effective sample size, since a few rows that stand for many say less than their sum.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

Z: Final = 1.959963984540054  # the 97.5 % quantile of the normal distribution
LEAST_FREEDOM: Final = 3.0


class Estimate(NamedTuple):
    """A figure and its 95 % interval; without bounds where too little was seen for any."""

    value: float
    low: float | None = None
    high: float | None = None


class Weighted(NamedTuple):
    """A value, and how many it stands for."""

    value: float
    weight: float


@dataclass(frozen=True, slots=True)
class Moments:
    """What a mean and its interval need. `n` is the effective sample size where rows are weighted."""

    n: float
    mean: float
    variance: float


# ── Shares ───────────────────────────────────────────────────────────────────────────────────────
def wilson(share: float, n: float) -> Estimate:
    """Return a share of n with Wilson's score interval.

    E. B. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22 (1927). Right for shares
    near 0 and 1 too, where the normal approximation is not.
    """
    if n <= 0:
        return Estimate(share)
    middle = (share + Z * Z / (2 * n)) / (1 + Z * Z / n)
    half = Z / (1 + Z * Z / n) * math.sqrt(share * (1 - share) / n + Z * Z / (4 * n * n))
    # Exact at the ends, where rounding would leave 2e-17.
    return Estimate(
        share, max(0.0, middle - half) if share > 0 else 0.0, min(1.0, middle + half) if share < 1 else 1.0
    )


def newcombe(a: Estimate, b: Estimate) -> Estimate:
    """Return b - a for two independent shares with their Wilson intervals.

    R. G. Newcombe, "Interval estimation for the difference between independent proportions", Statistics in Medicine 17
    (1998), method 10.
    """
    difference = b.value - a.value
    if a.low is None or a.high is None or b.low is None or b.high is None:
        return Estimate(difference)
    return Estimate(
        difference,
        difference - math.hypot(b.value - b.low, a.high - a.value),
        difference + math.hypot(b.high - b.value, a.value - a.low),
    )


# ── Means ────────────────────────────────────────────────────────────────────────────────────────
def mean(moments: Moments, *, lowest: float = -math.inf) -> Estimate:
    """Return a mean with Student's interval, cut where no value can lie."""
    if moments.n - 1 < LEAST_FREEDOM:
        return Estimate(moments.mean)
    half = student(moments.n - 1) * math.sqrt(moments.variance / moments.n)
    return Estimate(moments.mean, max(lowest, moments.mean - half), moments.mean + half)


def welch(a: Moments, b: Moments) -> Estimate:
    """Return b - a for two independent means whose variances differ.

    B. L. Welch, "The generalization of 'Student's' problem when several different population variances are involved",
    Biometrika 34 (1947), with Satterthwaite's degrees of freedom.
    """
    difference = b.mean - a.mean
    if min(a.n, b.n) <= 1:
        return Estimate(difference)
    of_a, of_b = a.variance / a.n, b.variance / b.n
    if of_a + of_b == 0:
        return Estimate(difference, difference, difference)
    freedom = (of_a + of_b) ** 2 / (of_a**2 / (a.n - 1) + of_b**2 / (b.n - 1))
    if freedom < LEAST_FREEDOM:
        return Estimate(difference)
    half = student(freedom) * math.sqrt(of_a + of_b)
    return Estimate(difference, difference - half, difference + half)


def student(freedom: float) -> float:
    """Return the 97.5 % quantile of Student's t, within 0.2 % from 3 degrees of freedom on.

    M. Abramowitz and I. Stegun, "Handbook of Mathematical Functions" (1964), 26.7.5.
    """
    z = Z
    terms = (
        (z**3 + z) / 4,
        (5 * z**5 + 16 * z**3 + 3 * z) / 96,
        (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / 384,
        (79 * z**9 + 776 * z**7 + 1482 * z**5 - 1920 * z**3 - 945 * z) / 92160,
    )
    return z + sum(term / freedom**power for power, term in enumerate(terms, start=1))


# ── Weighted samples ─────────────────────────────────────────────────────────────────────────────
def effective_n(sum_of_weights: float, sum_of_squares: float) -> float:
    """Return how many unweighted observations say as much: L. Kish, "Survey Sampling" (1965)."""
    return sum_of_weights**2 / sum_of_squares if sum_of_squares else 0.0


def moments(weighted: Iterable[Weighted]) -> Moments | None:
    """Return the weighted mean and variance; None of nothing."""
    rows = list(weighted)
    total = math.fsum(row.weight for row in rows)
    if not total:
        return None
    n = effective_n(total, math.fsum(row.weight**2 for row in rows))
    average = math.fsum(row.value * row.weight for row in rows) / total
    spread = math.fsum(row.weight * (row.value - average) ** 2 for row in rows) / total
    return Moments(n, average, spread * n / (n - 1) if n > 1 else 0.0)


def percentile(ordered: Sequence[Weighted], rank: float) -> float:
    """Return the least value that at least the share `rank` of the weight does not exceed. Values come in order."""
    wanted = math.fsum(row.weight for row in ordered) * rank * (1 - 1e-12)  # sums of weights are not exact
    seen = 0.0
    for row in ordered:
        seen += row.weight
        if seen >= wanted:
            return row.value
    return ordered[-1].value
