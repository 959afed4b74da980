"""Intervals are those of the literature, and cover what they promise."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpi import statistics
from kpi.statistics import Estimate, Moments, Weighted


@pytest.mark.parametrize(
    ("n_successes", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_as_newcombe_tabled_it(n_successes: int, n: int, low: float, high: float) -> None:
    """R. G. Newcombe, Statistics in Medicine 17 (1998), p. 861, table I, method 3."""
    found = statistics.wilson(n_successes / n, n)
    assert found.low == pytest.approx(low, abs=5e-5)
    assert found.high == pytest.approx(high, abs=5e-5)


@pytest.mark.parametrize(
    ("a", "b", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((0, 10), (0, 20), -0.1611, 0.2775),
    ],
)
def test_differences_of_shares_as_newcombe_tabled_them(
    a: tuple[int, int], b: tuple[int, int], low: float, high: float
) -> None:
    """R. G. Newcombe, Statistics in Medicine 17 (1998), p. 873, table II, method 10: the first minus the second."""
    first, second = (statistics.wilson(k / n, n) for k, n in (a, b))
    found = statistics.newcombe(second, first)
    assert found.low == pytest.approx(low, abs=1e-4)
    assert found.high == pytest.approx(high, abs=1e-4)


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(3, 3.182446), (5, 2.570582), (10, 2.228139), (30, 2.042272), (1000, 1.962339)]
)
def test_student_as_in_the_tables(freedom: float, quantile: float) -> None:
    assert statistics.student(freedom) == pytest.approx(quantile, rel=2e-3)


def test_welch_as_in_a_worked_example() -> None:
    """Two groups of 10 and 20: means 20.6 and 22.1, variances 9.0 and 0.9 (Welch's t-test, df 9.9)."""
    found = statistics.welch(Moments(10, 20.6, 9.0), Moments(20, 22.1, 0.9))
    freedom = (0.9 + 0.045) ** 2 / (0.9**2 / 9 + 0.045**2 / 19)
    half = statistics.student(freedom) * (0.9 + 0.045) ** 0.5
    assert freedom == pytest.approx(9.91, abs=0.01)
    assert found == Estimate(pytest.approx(1.5), pytest.approx(1.5 - half), pytest.approx(1.5 + half))  # type: ignore[arg-type]  # pytest's


def test_too_little_has_no_interval() -> None:
    assert statistics.mean(Moments(2, 5.0, 1.0)) == Estimate(5.0)
    assert statistics.welch(Moments(2, 5.0, 1.0), Moments(2, 6.0, 1.0)) == Estimate(1.0)


@given(st.integers(1, 10_000))
def test_the_interval_of_nothing_begins_at_0_and_that_of_all_ends_at_1(n: int) -> None:
    assert statistics.wilson(0.0, n).low == 0
    assert statistics.wilson(1.0, n).high == 1


def test_the_interval_of_a_mean_holds_no_value_that_cannot_be() -> None:
    rare_and_large = Moments(200, 2.4, 900.0)
    assert statistics.mean(rare_and_large).low < 0  # type: ignore[operator]  # it has one
    assert statistics.mean(rare_and_large, lowest=0.0).low == 0
    assert statistics.mean(rare_and_large, lowest=0.0).high == statistics.mean(rare_and_large).high


@given(st.lists(st.tuples(st.integers(-50, 50), st.integers(1, 5)), min_size=1, max_size=30))
def test_a_weight_is_as_good_as_that_many_rows(rows: list[tuple[int, int]]) -> None:
    weighted = sorted(Weighted(value, weight) for value, weight in rows)
    each = sorted(value for value, weight in rows for _ in range(weight))
    found = statistics.moments(weighted)
    assert found is not None
    assert found.mean == pytest.approx(sum(each) / len(each))
    assert found.n <= len(each) + 1e-9
    for rank in (0.5, 0.95, 0.99):
        assert statistics.percentile(weighted, rank) == statistics.percentile(
            [Weighted(v, 1) for v in each], rank
        )


def test_intervals_of_weighted_samples_cover_the_truth() -> None:
    """Slow runs are all kept, one in twenty of the others: 95 % intervals hold the true mean in about 95 % of days."""
    rng = random.Random(1)
    n_held = 0
    for _ in range(300):
        runs = [rng.expovariate(1 / 0.02) for _ in range(4000)]
        kept = [Weighted(each, 1.0) for each in runs if each > 0.1]
        kept += [Weighted(each, 20.0) for each in runs if each <= 0.1 and rng.random() < 0.05]
        found = statistics.moments(kept)
        assert found is not None
        interval = statistics.mean(found)
        assert interval.low is not None
        assert interval.high is not None
        n_held += interval.low <= 0.02 <= interval.high
    assert 0.90 <= n_held / 300 <= 1.0
