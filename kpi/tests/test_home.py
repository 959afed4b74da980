"""The operator's home: what is wrong stands there with the way to it, and nothing keeps the page waiting."""

import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from pytest_django import DjangoAssertNumQueries, Settings

from gameproject.lib import clock
from kpi import rolling_up, so_far
from kpi.home import attention, happening
from kpi.home.lights import Queues
from kpi.home.page import Home
from kpi.home.tiles import change, worse
from kpi.models import DaySoFar, KpiMetrics
from kpi.so_far import Standing, standing_at
from kpi.tests.past import Happened, Past
from strategies.models import Strategy
from strategies.tests.conftest import World, constant_program


@pytest.fixture
def staff(world: World) -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("admin"))
    return client


@pytest.fixture
def silent_url() -> Iterator[str]:
    """Name a broker that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


def at(hour: int, day: int = 3) -> datetime:
    return datetime(2026, 3, day, hour, tzinfo=UTC)


# ── Today and last week ──────────────────────────────────────────────────────────────────────────
def test_a_day_between_two_rollups_stands_on_the_line_between_them() -> None:
    known = [
        Standing(at(0)),
        Standing(at(10), n_requests=100, latency_p95_ms=5.0),
        Standing(at(11), n_requests=200, latency_p95_ms=9.0),
    ]

    found = standing_at(at(10) + timedelta(minutes=45), known)

    assert found is not None
    assert (found.n_requests, found.latency_p95_ms, found.is_rough) == (175, 9.0, False)


def test_rollups_that_lie_far_apart_give_a_rough_figure_and_a_missing_side_none() -> None:
    whole_day = [Standing(at(0)), Standing(at(0, day=4), n_scores=240)]

    found = standing_at(at(6), whole_day)

    assert found is not None
    assert (found.n_scores, found.is_rough) == (60, True)
    assert standing_at(at(6), [Standing(at(0))]) is None


def test_rollups_of_the_running_day_are_remembered_and_compared_a_week_later(world: World) -> None:
    today = clock.now().date()
    world.task("t1")
    world.score("ana")
    rolling_up.roll_up_days(today, today)

    assert DaySoFar.objects.get().n_scores == 1
    now, last_week = so_far.today_and_last_week(today)
    assert now is not None
    assert now.n_scores == 1
    assert last_week is None

    DaySoFar.objects.update(day=today - so_far.WEEK, at=now.at - so_far.WEEK + timedelta(minutes=1))
    _now, last_week = so_far.today_and_last_week(today)
    assert last_week is not None
    assert 0 <= last_week.n_scores <= 1


def test_days_so_far_are_forgotten_after_two_weeks(world: World) -> None:
    today = clock.now().date()
    rolling_up.roll_up_days(today, today)
    DaySoFar.objects.update(day=today - timedelta(days=16))
    rolling_up.roll_up_days(today, today)
    assert list(DaySoFar.objects.values_list("day", flat=True)) == [today]


def test_changes_are_written_in_percent_and_only_what_grew_notably_is_bad() -> None:
    assert [change(110, 100), change(50, 100), change(5, 0), change(90, 1)] == ["+10 %", "-50 %", "", "× 90"]
    assert worse(0.02, 0.001, factor=2, floor=0.001) == "bad"
    assert worse(0.0005, 0.0, factor=2, floor=0.001) == "calm"


# ── What needs attention ─────────────────────────────────────────────────────────────────────────
def test_failed_runs_of_a_day_are_found_by_strategy_the_commonest_first(world: World) -> None:
    now = clock.now()
    past = Past([world.realm])
    past.happened = [Happened("failure", now - timedelta(hours=hours), 0) for hours in (1, 2, 30)]
    past.store()

    (failing,) = happening.failing_strategies()

    assert (failing.strategy.slug, failing.n, failing.code) == ("default", 2, "DSL_ARITH_DIV_BY_ZERO")


def test_failed_runs_stand_on_the_home_page_with_the_way_to_their_list_and_trace(
    staff: Client, world: World
) -> None:
    past = Past([world.realm])
    past.happened = [Happened("failure", clock.now() - timedelta(minutes=3), 0)]
    past.store()

    page = staff.get("/admin/").content.decode()

    assert "default: 1 run failed in the last 24 hours, mostly DSL_ARITH_DIV_BY_ZERO." in page
    default = Strategy.objects.get(realm=None, slug="default")
    listed = staff.get(attention.executions_url(happening.failing_strategies()[0]))
    assert str(default.pk) in page
    assert listed.context["cl"].slice.count == "1"


def test_a_strategy_in_use_without_production_needs_attention(staff: Client, world: World) -> None:
    strategy = world.strategy("Five", constant_program(5))
    world.task("t1", strategy)
    assert happening.idle_strategies() == []

    Strategy.objects.filter(pk=strategy.pk).update(archived_at=clock.now())

    assert happening.idle_strategies() == [(strategy.pk, "five")]
    assert "its events are refused" in staff.get("/admin/").content.decode()


def test_full_queues_losses_and_late_rollups_need_attention(world: World) -> None:
    now = clock.now()
    queues = Queues(n_traces=900, max_traces=1000, n_records=0, max_records=1000, n_put_aside=2)

    assert [each.kind for each in attention.of_queues(queues)] == ["warn", "warn"]
    assert len(list(attention.of_losses(3, 4.0))) == 2
    assert list(attention.of_losses(0, None)) == []
    assert list(attention.of_rollup(now - timedelta(hours=1), now)) == []
    assert "3 hours old" in next(attention.of_rollup(now - timedelta(hours=3), now)).says


# ── The page ─────────────────────────────────────────────────────────────────────────────────────
def test_home_says_how_to_begin_where_nothing_was_scored(staff: Client) -> None:
    page = staff.get("/admin/").content.decode()
    assert "How to begin" in page
    assert "Today was not rolled up yet" in page


def test_home_takes_a_fixed_number_of_queries(
    staff: Client, world: World, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    today = clock.now().date()
    world.task("t1")
    for n in range(12):
        world.score(f"player-{n}")
    rolling_up.roll_up_days(today, today)
    staff.get("/admin/")
    # Eight reads of the home, each in a transaction with its timeout (BEGIN, SET, COMMIT are counted); session, user.
    with django_assert_max_num_queries(45):
        page = staff.get("/admin/").content.decode()
    assert "Newest scores" in page
    assert "player-11" in page


def test_a_silent_broker_costs_the_page_its_timeout_once_and_is_said(
    staff: Client, settings: Settings, silent_url: str
) -> None:
    settings.REDIS_URL = silent_url

    began = time.monotonic()
    page = staff.get("/admin/").content.decode()

    assert time.monotonic() - began < 1.6
    assert "Broker is down" in page
    assert "the broker did not answer" in page
    assert "Worker is down" not in page


def test_a_broker_that_is_away_leaves_the_rest_of_the_page(staff: Client, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"
    home = Home()
    assert not home.queues.is_known
    assert home.failing.is_known
    assert [light.state for light in home.lights] == ["up", "down", "not known", "not known"]


def test_what_takes_too_long_is_not_known(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(happening, "FAILING", "SELECT pg_sleep(5)")
    page = staff.get("/admin/").content.decode()
    assert "it took over 250 ms" in page


def test_who_may_not_see_figures_gets_a_home_without_them(world: World) -> None:
    client = Client()
    client.force_login(get_user_model().objects.create_user("new", is_staff=True))
    page = client.get("/admin/").content.decode()
    assert "You may see nothing here yet" in page
    assert not KpiMetrics.objects.exists()
