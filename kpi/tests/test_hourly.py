"""What hours were counted says the same as the ledger, whatever part of a window they cover."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from statistics import variance

import pytest
import time_machine
from django.db import transaction
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from gameproject.lib.ids import uuid7
from kpi import hourly, rolling_up, strategy_sources
from kpi.models import HourlyScores
from kpi.rollup import Window
from kpi.strategy_sources import Part
from kpi.tasks import roll_up_due
from strategies import publishing
from strategies.models import Player, Score, Strategy, Task
from strategies.tests.conftest import World, constant_program

NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTES = range(1, 8 * 60)  # few hours, or no score would lie in the parts of hours at the ends; all alike


@dataclass(frozen=True)
class Made:
    """A score to be, so many minutes before noon."""

    minutes_ago: int
    points: Decimal
    outcome: str = "award"
    case_name: str | None = "a"
    is_test: bool = False
    has_fallback: bool = False
    version: int = 1

    @property
    def at(self) -> datetime:
        return NOON - timedelta(minutes=self.minutes_ago)


MADE = st.builds(
    Made,
    minutes_ago=st.sampled_from(MINUTES),
    points=st.decimals(-5000, 5000, places=6),
    outcome=st.sampled_from(["award", "award", "no_award", "veto", "reversal"]),
    case_name=st.sampled_from(["a", "b", None]),
    is_test=st.sampled_from([False, False, False, True]),
    has_fallback=st.booleans(),
    version=st.integers(1, 2),
)


@pytest.fixture
def strategy(world: World) -> Strategy:
    """A strategy with two versions, and a task whose scores can be copied."""
    strategy = world.strategy("Hourly", constant_program(1))
    publishing.edit_strategy(strategy=strategy, program=constant_program(7))
    publishing.publish_strategy(strategy=strategy)
    world.task("t1", strategy)
    return strategy


def store(world: World, strategy: Strategy, made: list[Made]) -> None:
    versions = {version.number: version for version in strategy.versions.all()}
    task = Task.objects.select_related("game").get(strategy=strategy)
    player, _made = Player.objects.get_or_create(realm=world.realm, external_id="ana")
    Score.objects.bulk_create(
        Score(
            id=uuid7(each.at),
            created_at=each.at,
            realm=world.realm,
            game=task.game,
            task=task,
            player=player,
            strategy=strategy,
            strategy_version=versions[each.version],
            alias="production",
            outcome=each.outcome,
            points=each.points,
            case_name=each.case_name,
            is_test=each.is_test,
            fallback={} if each.has_fallback else None,
            callback_data={},
            bonuses=[],
            facts={},
            data={},
            variables={},
            inputs_digest=b"",
            request_id="r",
        )
        for each in made
    )


def part_of(strategy: Strategy, since: datetime, until: datetime, version: int | None = None) -> Part:
    version_id = strategy.versions.get(number=version).pk if version else None
    assert strategy.realm_id is not None
    return Part(strategy.realm_id, strategy.pk, version_id, since, until)


def told(part: Part) -> dict[str, object]:
    return {
        "scores": strategy_sources.scores(part),
        "cases": strategy_sources.top_cases(part),
        "times": sorted(strategy_sources.runs_by_time(part, 2 * HOUR)),
    }


@given(
    made=st.lists(MADE, max_size=30),
    minutes=st.lists(st.sampled_from(MINUTES), min_size=3, max_size=3, unique=True),
    version=st.sampled_from([None, 1, 2]),
)
@example(made=[Made(110, Decimal(1)), Made(30, Decimal(2))], minutes=[1, 2, 90], version=None)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_counted_hours_say_what_the_ledger_says(
    world: World, strategy: Strategy, made: list[Made], minutes: list[int], version: int | None
) -> None:
    counted_at, *window = (NOON - timedelta(minutes=each) for each in minutes)
    since, until = sorted(window)
    with transaction.atomic():
        store(world, strategy, made)
        of_ledger = told(part_of(strategy, since, until, version))
        hourly.count_due(counted_at)
        assert told(part_of(strategy, since, until, version)) == of_ledger

        there = [
            each
            for each in made
            if since <= each.at < until and not each.is_test and each.outcome != "reversal"
            if version in (None, each.version)
        ]
        scores = strategy_sources.scores(part_of(strategy, since, until, version))
        assert (scores.n, scores.points) == (len(there), sum(each.points for each in there))
        assert scores.n_fallbacks == sum(each.has_fallback for each in there)
        spread = variance(each.points for each in there) if len(there) > 1 else 0
        assert float(scores.variance) == pytest.approx(float(spread))
        transaction.set_rollback(True)


def test_a_histogram_of_counted_hours_knows_points_to_three_digits(world: World, strategy: Strategy) -> None:
    points = [Decimal(text) for text in ("0", "10", "10.01", "1000", "1004", "-3")]
    store(world, strategy, [Made(100 + n, each) for n, each in enumerate(points)])
    part = part_of(strategy, NOON - DAY, NOON)
    of_ledger = strategy_sources.points_by_bin(part, Decimal(-3), Decimal(1004))
    hourly.count_due(NOON)
    assert (
        strategy_sources.points_by_bin(part_of(strategy, NOON - DAY, NOON), Decimal(-3), Decimal(1004))
        == of_ledger
    )
    assert [HourlyScores.objects.get(points_near=near).n for near in (10, 1000)] == [2, 2]


def test_hours_are_counted_in_order_and_only_once_they_are_over(world: World, strategy: Strategy) -> None:
    store(world, strategy, [Made(minutes, Decimal(1)) for minutes in (30, 90, 50 * 60)])
    hourly.count_due(NOON + timedelta(minutes=10))
    assert hourly.counted() == Window(NOON - 50 * HOUR, NOON - HOUR), "the last one may still have late rows"
    hourly.count_due(NOON + timedelta(minutes=20))
    hourly.count_due(NOON + timedelta(minutes=20))
    assert hourly.counted() == Window(NOON - 50 * HOUR, NOON)
    assert sum(HourlyScores.objects.values_list("n", flat=True)) == 3


def test_what_is_put_into_counted_hours_is_counted_when_their_days_are_rolled_up_again(
    world: World, strategy: Strategy
) -> None:
    store(world, strategy, [Made(90, Decimal(1)), Made(26 * 60, Decimal(1))])
    hourly.count_due(NOON)
    counted = hourly.counted()
    store(world, strategy, [Made(25 * 60, Decimal(1)), Made(40 * 24 * 60, Decimal(1))])
    assert strategy_sources.scores(part_of(strategy, NOON - 2 * DAY, NOON)).n == 2
    rolling_up.roll_up_days((NOON - 50 * DAY).date(), NOON.date())
    assert strategy_sources.scores(part_of(strategy, NOON - 2 * DAY, NOON)).n == 3
    assert hourly.counted() == counted, "what lies before was not counted, and is not now"
    assert strategy_sources.scores(part_of(strategy, NOON - 50 * DAY, NOON)).n == 4


def test_beat_counts_and_forgets(world: World, strategy: Strategy) -> None:
    store(world, strategy, [Made(90, Decimal(1))])
    with time_machine.travel(NOON, tick=False):
        roll_up_due()
    assert HourlyScores.objects.count() == 1
    with time_machine.travel(NOON + 101 * DAY, tick=False):
        roll_up_due()
    assert HourlyScores.objects.count() == 0


def test_of_a_month_only_hours_at_its_ends_are_read_in_the_ledger(world: World, strategy: Strategy) -> None:
    store(world, strategy, [Made(60 * hour, Decimal(1)) for hour in range(1, 30 * 24)])
    hourly.count_due(NOON)
    HourlyScores.objects.update(n=1000)
    part = part_of(strategy, NOON - 30 * DAY, NOON - HOUR / 2)
    assert strategy_sources.scores(part).n == (30 * 24 - 2) * 1000 + 1
