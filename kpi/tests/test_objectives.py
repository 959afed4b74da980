"""Objectives are kept as a naive count of what happened says, and promise what the alerts promise."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
import yaml
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytest_django import DjangoAssertNumQueries

from gameproject.lib import clock
from kpi import keeping, rolling_up
from kpi.home import attention
from kpi.models import KpiMetrics
from kpi.objectives import OBJECTIVES, keep
from kpi.tests.past import Happened, Past
from ops.local.run import ROOT
from strategies.models import Realm
from strategies.tests.conftest import World

PAGE = "/admin/kpi/objectives/"
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)
BY_NAME = {objective.name: objective for objective in OBJECTIVES}
RULES = yaml.safe_load((ROOT / "ops/prometheus/rules/objectives.yml").read_text())["groups"][0]["rules"]


@pytest.fixture
def staff(world: World) -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("admin"))
    return client


def day(n: int, **figures: Any) -> KpiMetrics:
    """A day that is over."""
    row = KpiMetrics(day=date(2026, 6, n), time_zone="UTC", is_provisional=False, **figures)
    row.rolled_up_at = datetime(2026, 6, n + 1, 1, tzinfo=UTC)
    return row


def store(realm: Realm | None, *, days_ago: int = 1, **figures: Any) -> None:
    now = clock.now()
    KpiMetrics.objects.create(
        realm=realm,
        day=now.date() - timedelta(days=days_ago),
        time_zone="UTC",
        is_provisional=False,
        rolled_up_at=now,
        **figures,
    )


# ── The promises ─────────────────────────────────────────────────────────────────────────────────
def test_alerts_promise_the_same() -> None:
    promised = {
        rule["labels"]["slo"]: float(rule["expr"].removeprefix("vector(").removesuffix(")"))
        for rule in RULES
        if rule.get("record") == "slo:objective"
    }
    assert promised == {objective.name: objective.target for objective in OBJECTIVES}


@pytest.mark.parametrize("name", ["score_p95", "score_p99"])
def test_alerts_call_the_same_scores_slow(name: str) -> None:
    (bad,) = (
        rule["expr"]
        for rule in RULES
        if rule.get("record") == "slo:bad:rate5m" and rule["labels"]["slo"] == name
    )
    milliseconds = BY_NAME[name].within_milliseconds
    assert milliseconds is not None
    assert f'le="{milliseconds / 1000:g}"' in bad
    assert str(milliseconds) in BY_NAME[name].promise


# ── The arithmetic ───────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("name", "rows", "n", "n_bad", "left"),
    [
        ("errors", [day(1, n_requests=900, server_error_rate=0.01), day(2, n_requests=100)], 1000, 9, 0.1),
        ("errors", [day(1, n_requests=700, server_error_rate=7 / 700)], 700, 7, 0),
        ("errors", [day(1, n_requests=10, server_error_rate=0.5)], 10, 5, -49),
        ("availability", [day(1, uptime_share=1435 / 1440), day(2, uptime_share=1.0), day(3)], 2880, 5, 1 - 5 / 2.88),
        ("score_p95", [day(1, n_score_requests=100, n_score_requests_over_200_ms=4), day(2)], 100, 4, 0.2),
        ("score_p99", [day(1, n_score_requests=200, n_score_requests_over_500_ms=1)], 200, 1, 0.5),
        ("executions", [day(1, n_executions=60, execution_error_rate=0.05), day(2, n_executions=40)], 100, 3, 0.4),
    ],
)  # fmt: skip
def test_what_is_left_of_a_budget(
    name: str, rows: Sequence[KpiMetrics], n: float, n_bad: float, left: float
) -> None:
    kept = keep(BY_NAME[name], rows)
    assert (kept.n, kept.n_bad) == (n, n_bad)
    assert kept.share == pytest.approx(1 - n_bad / n)
    assert kept.budget_left == pytest.approx(left)
    assert kept.is_met is (left >= 0)


@pytest.mark.parametrize("objective", OBJECTIVES, ids=lambda objective: objective.name)
def test_of_nothing_there_is_no_share_and_no_verdict(objective: Any) -> None:
    for rows in ([], [day(1)]):
        kept = keep(objective, rows)
        assert (kept.n, kept.share, kept.budget_left, kept.is_met) == (0, None, None, None)


def test_a_running_day_has_as_many_minutes_as_have_gone_by() -> None:
    row = day(1, uptime_share=0.5)
    row.rolled_up_at = datetime(2026, 6, 1, 10, tzinfo=UTC)
    kept = keep(BY_NAME["availability"], [row])
    assert (kept.n, kept.n_bad, kept.n_days) == (600, 300, 1)


def happenings() -> st.SearchStrategy[Happened]:
    ago = st.builds(
        lambda days, hours: timedelta(days=days, hours=hours),
        st.sampled_from([0, 0, 1, 2, 28, 29, 30]),
        st.integers(0, 23),
    )
    return st.builds(
        Happened,
        what=st.sampled_from(["score", "request", "request", "request", "failure"]),
        at=ago.map(lambda by: NOON - by),
        realm=st.integers(0, 1),
        is_test=st.booleans(),
        status=st.sampled_from([200, 201, 422, 500, 503]),
        milliseconds=st.sampled_from([3.0, 200.0, 201.0, 500.0, 501.0]),
        weight=st.sampled_from([1, 2]),
        is_batch=st.booleans(),
    )


def naive(happened: list[Happened], realm: int | None) -> dict[str, tuple[int, int]]:
    """Count what there was and what was bad from the list of what happened, without days."""
    begin = datetime(2026, 5, 17, tzinfo=UTC)
    mine = [each for each in happened if realm in {None, each.realm} and begin <= each.at <= NOON]
    requests = [each for each in mine if each.what == "request" for _ in range(each.weight)]
    scores = [each for each in requests if not each.is_batch]
    n_failed = sum(each.weight for each in mine if each.what == "failure")
    n_ok = sum(each.what == "score" for each in mine)
    return {
        "availability": (0, 0),
        "errors": (len(requests), sum(each.status in (500, 503) for each in requests)),
        "score_p95": (len(scores), sum(each.milliseconds in (201, 500, 501) for each in scores)),
        "score_p99": (len(scores), sum(each.milliseconds == 501 for each in scores)),
        "executions": (n_ok + n_failed, n_failed),
    }


@given(happened=st.lists(happenings(), max_size=30))
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_report_counts_what_happened_in_thirty_days(db: None, happened: list[Happened]) -> None:
    with time_machine.travel(NOON, tick=False), transaction.atomic():
        realms = [Realm.objects.create(slug=f"r{n}", name=f"r{n}") for n in range(2)]
        Past(realms, happened).store()
        for at in sorted({each.at.date() for each in happened}):
            rolling_up.roll_up_days(at, at)

        for n, realm in ((None, None), *enumerate(realms)):
            report = keeping.report(realm, clock.now())
            found = {kept.objective.name: (kept.n, kept.n_bad) for kept in report.kept}
            assert found == naive(happened, n)
        transaction.set_rollback(True)


# ── The endpoint ─────────────────────────────────────────────────────────────────────────────────
def test_a_realm_is_told_of_its_own_objectives(world: World, other_world: World) -> None:
    world.task("t1")
    world.score("ana")
    store(world.realm, n_requests=990, server_error_rate=0.0, n_requests_lost=10, n_score_requests=0, n_score_requests_over_200_ms=0)  # fmt: skip
    store(other_world.realm, n_requests=10, server_error_rate=1.0)
    store(world.realm, days_ago=30, n_requests=10, server_error_rate=1.0)

    found = world.get("/kpi/slo").json()

    today = clock.now().date()
    assert (found["firstDay"], found["lastDay"]) == (str(today - timedelta(days=29)), str(today))
    assert (found["nDays"], found["nRequestsLost"], found["completeness"]) == (1, 10, 0.99)
    objectives = {each["name"]: each for each in found["objectives"]}
    assert list(objectives) == [objective.name for objective in OBJECTIVES]
    errors = objectives["errors"]
    assert (errors["target"], errors["share"], errors["n"], errors["errorBudget"]) == (0.99, 1, 990, 9.9)
    assert (errors["errorBudgetLeft"], errors["isMet"]) == (1, True)
    p95, availability = objectives["score_p95"], objectives["availability"]
    assert (p95["nDays"], p95["share"], p95["errorBudgetLeft"], p95["isMet"]) == (1, None, None, None)
    assert (p95["withinMilliseconds"], availability["withinMilliseconds"]) == (200, None)
    assert (availability["nDays"], availability["share"]) == (0, None)


def test_before_the_first_rollup_nothing_is_claimed(world: World) -> None:
    found = world.get("/kpi/slo").json()
    assert (found["nDays"], found["rolledUpAt"], found["completeness"]) == (0, None, None)
    assert {each["isMet"] for each in found["objectives"]} == {None}


# ── The page ─────────────────────────────────────────────────────────────────────────────────────
def test_without_figures_the_page_says_how_to_get_them(staff: Client) -> None:
    page = staff.get(PAGE).content.decode()
    assert f"rollup_kpis --from {clock.now().date() - timedelta(days=29)}" in page


def test_the_page_shows_what_is_kept_missed_and_not_known(staff: Client, world: World) -> None:
    store(world.realm, n_requests=1000, server_error_rate=0.02, n_executions=100, execution_error_rate=0.01)

    page = staff.get(PAGE, {"realm": "acme"})

    verdicts = {card.kept.objective.name: card.verdict[0] for card in page.context["cards"]}
    assert verdicts == {
        "availability": "not known",
        "errors": "missed",
        "score_p95": "not known",
        "score_p99": "not known",
        "executions": "kept",
    }
    text = page.content.decode()
    assert "98.000\N{NO-BREAK SPACE}%" in text
    assert "<strong>-100&nbsp;%</strong>" in text
    (chart,) = page.context["charts"]
    assert {line.name: line.values[-2] for line in chart.lines} == {
        "Server errors": 2,
        "Runs of strategies": 0.2,
    }


def test_what_was_bad_is_one_click_away(staff: Client, world: World) -> None:
    for realm in ("", "acme"):
        store(world.realm if realm else None, n_requests=10)
        for card in staff.get(PAGE, {"realm": realm}).context["cards"]:
            assert staff.get(card.url).status_code == 200


def test_a_realm_that_is_none_is_said(staff: Client) -> None:
    assert "There is no such realm" in staff.get(PAGE, {"realm": "nowhere"}).content.decode()


def test_the_page_takes_a_fixed_number_of_queries(
    staff: Client, world: World, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for n in range(30):
        store(world.realm, days_ago=n, n_requests=n)
    with django_assert_max_num_queries(5):
        staff.get(PAGE, {"realm": "acme"})


def test_those_who_see_kpis_see_objectives_and_find_them_in_the_menu(world: World) -> None:
    for group, status in (("auditor", 200), (None, 403)):
        user = get_user_model().objects.create_user(group or "nobody", is_staff=True)
        user.groups.set(Group.objects.filter(name=group))
        client = Client()
        client.force_login(user)
        assert client.get(PAGE).status_code == status
        assert (f'<a href="{PAGE}"' in client.get("/admin/").content.decode()) is (status == 200)


# ── The home page ────────────────────────────────────────────────────────────────────────────────
def test_a_missed_objective_needs_attention(staff: Client) -> None:
    store(None, n_requests=1000, server_error_rate=0.02, n_executions=100)

    (concern,) = attention.of_objectives(keeping.report(None, clock.now()))

    assert concern.says == (
        "Server errors: the objective is missed. 98.00% of the last 30 days' requests end without a server error (5xx); "
        "the target is 99.0%."
    )
    assert concern.url == f"{PAGE}#errors"
    assert "1 of 2 kept" in staff.get("/admin/").content.decode()
