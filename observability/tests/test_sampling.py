"""Which runs are kept: the same in every process, as often as the rate says, and with an honest weight."""

import math
import os
import random
import subprocess
import sys
import uuid

import pytest
from msgspec.structs import replace

from gameproject.lib import clock
from observability import sampling
from observability.sampling import Kind
from strategies.execution import Execution

REALM = uuid.UUID("018f3d3e-0000-7000-8000-000000000001")
OK = Execution(
    execution_id=REALM,
    score_id=REALM,
    request_id="r",
    event_name="r:0",
    realm_id=REALM,
    realm="acme",
    strategy_id=REALM,
    strategy="s",
    strategy_type="DSL_FULL",
    version_id=REALM,
    version=1,
    parent_version_id=None,
    alias="production",
    game_id=REALM,
    task_id=REALM,
    external_user_id="ana",
    status="ok",
    outcome="award",
    code=None,
    node_id=None,
    path=None,
    points=1.0,
    case_name=None,
    nodes=3,
    duration_seconds=0.001,
    facts={},
    data={},
    variables={},
    is_test=False,
    created_at=clock.now(),
)


@pytest.mark.parametrize("rate", [0.05, 0.3])
def test_the_kept_share_is_within_three_standard_errors_of_the_rate(rate: float) -> None:
    n = 200_000
    kept = sum(sampling.is_sampled(REALM, f"request-{i}:0", rate=rate) for i in range(n))
    assert abs(kept / n - rate) < 3 * math.sqrt(rate * (1 - rate) / n)


def test_a_rate_of_one_keeps_all_and_of_zero_none() -> None:
    names = [f"request-{i}" for i in range(1000)]
    assert all(sampling.is_sampled(REALM, name, rate=1.0) for name in names)
    assert not any(sampling.is_sampled(REALM, name, rate=0.0) for name in names)


def test_another_process_decides_alike() -> None:
    script = (
        "import uuid; from observability import sampling; "
        f"print([sampling.is_sampled(uuid.UUID('{REALM}'), str(i), rate=0.5) for i in range(100)])"
    )
    environment = {**os.environ, "PYTHONHASHSEED": "7", "DJANGO_SETTINGS_MODULE": "gameproject.settings"}
    done = subprocess.run(
        [sys.executable, "-c", "import django; django.setup(); " + script],
        env=environment,
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == str([sampling.is_sampled(REALM, str(i), rate=0.5) for i in range(100)])


def test_failed_and_slow_runs_are_always_kept_and_count_once() -> None:
    for change, kind in [
        ({"status": "error"}, Kind.ERROR),
        ({"status": "timeout"}, Kind.ERROR),
        ({"status": "limit"}, Kind.ERROR),
        ({"duration_seconds": 0.11}, Kind.SLOW),
    ]:
        kept = sampling.decide(replace(OK, **change), rate=0.0)  # type: ignore[arg-type]  # each is a field
        assert kept is not None
        assert (kept.kind, kept.weight) == (kind, 1.0)
    assert sampling.decide(OK, rate=0.0) is None


def test_weighted_figures_are_those_of_all_runs() -> None:
    """A day of 100,000 runs, 1 % of which fail: unweighted traces would say 17 %."""
    rate, n, dice = 0.05, 100_000, random.Random(1)
    runs = [
        replace(OK, event_name=f"{i}:0", status="error" if dice.random() < 0.01 else "ok") for i in range(n)
    ]
    kept = [each for run in runs if (each := sampling.decide(run, rate=rate)) is not None]
    errors = sum(each.weight for each in kept if each.kind is Kind.ERROR)
    share = errors / sum(each.weight for each in kept)
    truth = sum(run.status == "error" for run in runs) / n

    n_kept = sum(each.kind is Kind.SAMPLED for each in kept)
    standard_error = truth * (1 - truth) * math.sqrt((1 - rate) / n_kept)
    assert abs(share - truth) < 3 * standard_error
    assert sum(each.kind is Kind.ERROR for each in kept) / len(kept) > 0.15


def test_the_intervals_of_weighted_figures_are_right_on_as_many_days_as_they_say() -> None:
    """200 days of 5,000 runs, 1 % of which fail: of the 95 % intervals about 95 % hold the day's own share."""
    rate, n, n_days, dice = 0.05, 5_000, 200, random.Random(2)
    n_covered = 0
    for day in range(n_days):
        n_errors = sum(dice.random() < 0.01 for _ in range(n))
        n_kept = sum(sampling.is_sampled(REALM, f"{day}-{i}:0", rate=rate) for i in range(n - n_errors))
        share = n_errors / (n_errors + n_kept / rate)
        standard_error = share * (1 - share) * math.sqrt((1 - rate) / n_kept)
        n_covered += abs(share - n_errors / n) < 1.96 * standard_error
    assert abs(n_covered / n_days - 0.95) < 3 * math.sqrt(0.95 * 0.05 / n_days)
