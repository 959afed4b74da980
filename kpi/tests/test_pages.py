"""The KPI pages: figures over time as charts and as tables, of the service, of a strategy, of a player."""

import csv
import io
import json
import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from gameproject.lib import clock
from kpi import rolling_up
from kpi.admin.charts import Chart, Line, Unit
from kpi.admin.performance import OTHERS, lines_of, steps
from kpi.models import KpiMetrics
from kpi.tests.past import Happened, Past
from observability.models import Logs, UptimeLogs
from strategies import publishing
from strategies.models import Player, Score, Strategy
from strategies.tests.conftest import World, constant_program, data_program

KPIS = "/admin/kpi/kpimetrics/"


@pytest.fixture
def staff(world: World) -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("admin"))
    return client


@pytest.fixture
def minutes(world: World) -> Strategy:
    """A strategy with two versions that have scored."""
    strategy = world.strategy("Minutes", data_program())
    world.task("t1", strategy)
    world.score("ana", data={"minutes": 5})
    publishing.edit_strategy(strategy=strategy, program=constant_program(7))
    publishing.publish_strategy(strategy=strategy)
    world.score("ana", data={"minutes": 9})
    world.score("ben", data={"minutes": 9})
    return strategy


def drawn(page: Any, key: str) -> dict[str, Any]:
    """Return the data that a page gives its script for a chart."""
    found = re.search(
        rf'<script id="data-{key}" type="application/json">(.*?)</script>', page.content.decode()
    )
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


# ── Charts ───────────────────────────────────────────────────────────────────────────────────────
def test_a_chart_says_the_same_to_the_script_and_in_the_table() -> None:
    days = [date(2026, 3, 1), date(2026, 3, 2)]
    chart = Chart("errors", "Errors", Unit.SHARE, days, [Line("server", [0.25, None])])

    assert chart.as_json() == {
        "unit": "share",
        "times": [1772323200, 1772409600],
        "lines": [{"name": "server", "values": [0.25, None]}],
        "marks": [],
    }
    assert list(chart.rows()) == [("2026-03-02", ["–"]), ("2026-03-01", ["25.00 %"])]
    assert chart.table_body() == (
        '<tr><th scope="row">2026-03-02</th><td class="number">–</td></tr>'
        '<tr><th scope="row">2026-03-01</th><td class="number">25.00 %</td></tr>'
    )


def test_the_rarest_names_are_drawn_as_one_line() -> None:
    times = [datetime(2026, 3, 1, tzinfo=UTC)]
    rows = [(f"case {n}", times[0], float(n)) for n in range(1, 9)]

    lines = lines_of(rows, times)

    assert [line.name for line in lines] == ["case 8", "case 7", "case 6", "case 5", "case 4", OTHERS]
    assert lines[-1].values == [6]


def test_steps_begin_where_the_statements_cut_them() -> None:
    since = datetime(2026, 3, 1, 10, 20, tzinfo=UTC)
    found = list(steps(since, since + timedelta(hours=2), timedelta(hours=1)))
    assert [at.hour for at in found] == [10, 11, 12]
    assert found[0].minute == 0


# ── Days ─────────────────────────────────────────────────────────────────────────────────────────
def test_days_without_figures_say_how_to_get_them(staff: Client) -> None:
    page = staff.get(KPIS, {"days": "7"}).content.decode()
    first = clock.now().date() - timedelta(days=6)
    assert f"rollup_kpis --from {first} --to" in page


def test_figures_are_drawn_with_gaps_where_no_day_was_rolled_up(staff: Client, world: World) -> None:
    today = clock.now().date()
    world.task("t1")
    world.score("ana")
    rolling_up.roll_up_days(today, today)

    page = staff.get(KPIS, {"days": "7", "realm": "acme"})

    scores = drawn(page, "scores")["lines"][0]
    assert scores == {"name": "all", "values": [None] * 6 + [1]}
    assert "6 of 7 days were not rolled up" in page.content.decode()
    assert staff.get(f"{KPIS}{KpiMetrics.objects.get(realm=world.realm).pk}/change/").status_code == 200


@pytest.mark.parametrize(
    "query",
    [{"first": "x"}, {"realm": "nobody"}, {"first": "2026-03-02", "last": "2026-03-01"}, {"days": "8"}],
)
def test_a_span_that_is_none_is_refused_in_words(staff: Client, query: dict[str, str]) -> None:
    page = staff.get(KPIS, query)
    assert page.status_code == 200
    assert "is not understood" in page.content.decode()


def test_days_leave_as_csv_and_that_is_written_down(staff: Client, world: World) -> None:
    today = clock.now().date()
    world.task("t1")
    world.score("ana")
    rolling_up.roll_up_days(today, today)
    query = f"?realm=acme&first={today}&last={today}"

    assert staff.get(f"{KPIS}export/{query}").status_code == 405
    sent = staff.post(f"{KPIS}export/{query}")

    (row,) = csv.DictReader(io.StringIO(b"".join(sent.streaming_content).decode()))  # type: ignore[attr-defined]  # it streams
    assert (row["day"], row["n_scores"]) == (str(today), "1")
    assert Logs.objects.get(event="kpis.exported").realm_id == world.realm.pk


def test_the_page_of_days_takes_few_queries(
    staff: Client, world: World, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    today = clock.now().date()
    rolling_up.roll_up_days(today - timedelta(days=20), today)
    with django_assert_max_num_queries(5):  # session, user, realms, days
        staff.get(KPIS)


# ── Strategies ───────────────────────────────────────────────────────────────────────────────────
def test_a_strategys_page_shows_cases_versions_and_when_they_went_into_production(
    staff: Client, minutes: Strategy
) -> None:
    page = staff.get(reverse("strategy_performance", args=[minutes.pk]))

    cases = {line["name"]: sum(line["values"]) for line in drawn(page, "cases")["lines"]}
    assert cases == {"Counted": 1, "Done": 2}
    versions = drawn(page, "versions")
    assert {line["name"]: sum(line["values"]) for line in versions["lines"]} == {"v1": 1, "v2": 2}
    assert [mark["word"] for mark in versions["marks"]] == ["v2", "v1"]
    assert sum(drawn(page, "points")["lines"][0]["values"]) == 19


def test_one_version_is_measured_alone(staff: Client, minutes: Strategy) -> None:
    page = staff.get(reverse("strategy_performance", args=[minutes.pk]), {"version": "1"})
    assert page.context["shown"].metrics.scores.total == 1


def test_failed_runs_of_a_strategy_lead_to_their_list(staff: Client, world: World) -> None:
    past = Past([world.realm])
    past.happened = [Happened("failure", clock.now() - timedelta(minutes=3), 0)]
    past.store()
    default = Strategy.objects.get(realm=None, slug="default")

    page = staff.get(reverse("strategy_performance", args=[default.pk]))

    assert drawn(page, "failures")["lines"][0]["name"] == "DSL_ARITH_DIV_BY_ZERO"
    ((_error, url),) = page.context["shown"].errors()
    assert staff.get(url).context["cl"].slice.count == "1"


def test_a_comparison_reads_each_side_by_a_few_queries_and_no_histogram(
    staff: Client, minutes: Strategy, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    url = reverse("strategy_comparison", args=[minutes.pk])
    with django_assert_max_num_queries(19), CaptureQueriesContext(connection) as queries:
        staff.get(url, {"a": 1, "b": 2})
    assert not [query for query in queries if "width_bucket" in query["sql"]]


def test_versions_stand_side_by_side_with_the_difference(staff: Client, minutes: Strategy) -> None:
    page = staff.get(reverse("strategy_comparison", args=[minutes.pk]), {"a": "1", "b": "2"})
    points = next(line for line in page.context["lines"] if line.name.startswith("Points"))
    assert (points.a.value, points.b.value, points.difference.value) == (5, 7, 2)


@pytest.mark.parametrize("query", [{}, {"a": "1", "b": "9"}, {"a": "x", "b": "1"}])
def test_versions_that_are_not_there_are_not_compared(
    staff: Client, minutes: Strategy, query: dict[str, str]
) -> None:
    page = staff.get(reverse("strategy_comparison", args=[minutes.pk]), query)
    assert "no such two published versions" in page.content.decode()


def test_a_strategy_that_never_ran_says_what_it_takes(staff: Client, world: World) -> None:
    strategy = world.strategy("Idle", constant_program(1))
    page = staff.get(reverse("strategy_performance", args=[strategy.pk])).content.decode()
    assert "It did not run in this span of time" in page


def test_a_strategys_page_takes_a_fixed_number_of_queries(
    staff: Client, world: World, minutes: Strategy, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for n in range(20):
        world.score(f"p{n}", data={"minutes": n})
    with django_assert_max_num_queries(24):
        staff.get(reverse("strategy_performance", args=[minutes.pk]))


# ── Players ──────────────────────────────────────────────────────────────────────────────────────
def test_a_players_page_tells_points_over_time_and_why(staff: Client, minutes: Strategy) -> None:
    page = staff.get(reverse("player_over_time", args=[Player.objects.get(external_id="ana").pk]))

    assert drawn(page, "total")["lines"][0]["values"] == [12]
    assert drawn(page, "counts")["lines"][0]["values"] == [2]
    text = page.content.decode()
    assert text.count('<ul class="sentences">') == 2
    assert "minutes" in text


def test_points_in_all_begin_with_what_was_before(staff: Client, minutes: Strategy, tamper: Any) -> None:
    first = Score.objects.filter(player__external_id="ana").order_by("pk")[0]
    tamper(first.pk, created_at=clock.now() - timedelta(days=200))

    page = staff.get(reverse("player_over_time", args=[first.player_id]))

    assert drawn(page, "total")["lines"][0]["values"] == [12]
    assert drawn(page, "by-day")["lines"][0]["values"] == [7]


# ── Who may look ─────────────────────────────────────────────────────────────────────────────────
def test_an_auditor_sees_all_of_it_and_staff_without_a_group_nothing(world: World, minutes: Strategy) -> None:
    auditor = get_user_model().objects.create_user("auditor", is_staff=True)
    auditor.groups.add(Group.objects.get(name="auditor"))
    nobody = get_user_model().objects.create_user("nobody", is_staff=True)
    pages = [
        KPIS,
        reverse("strategy_performance", args=[minutes.pk]),
        reverse("strategy_comparison", args=[minutes.pk]),
        reverse("player_over_time", args=[Player.objects.first().pk]),  # type: ignore[union-attr]  # there is one
        "/admin/observability/apirequests/",
        "/admin/observability/uptimelogs/",
    ]
    for user, status in ((auditor, 200), (nobody, 403)):
        client = Client()
        client.force_login(user)
        assert [client.get(page).status_code for page in pages] == [status] * len(pages)


def test_requests_and_minutes_have_lists_that_are_cut(staff: Client, world: World) -> None:
    now = clock.now()
    past = Past([world.realm])
    past.happened = [
        Happened("request", now - timedelta(minutes=1), 0, status=status, milliseconds=float(status))
        for status in (200, 404, 500)
    ]
    past.store()
    UptimeLogs.objects.create(minute=now, dependency="broker", status="down", milliseconds=1.0)

    requests = "/admin/observability/apirequests/"
    assert staff.get(requests).context["cl"].slice.count == "3"
    for query in ({"status": "5xx"}, {"slow": "500"}, {"status": "4xx", "kind": "score"}):
        assert len(staff.get(requests, query).context["cl"].slice.rows) == 1
    assert staff.get(requests, {"q": "r"}).context["cl"].slice.count == "3"
    for dependency, n in (("broker", 1), ("beat", 0)):
        cut = staff.get("/admin/observability/uptimelogs/", {"dependency__exact": dependency})
        assert cut.context["cl"].result_count == n
