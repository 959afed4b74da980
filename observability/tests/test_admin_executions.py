"""The trace browser: its list, its pages, replays, requests, exports."""

import csv
import io
import json
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings
from redis import Redis

from gameproject.lib import clock
from gameproject.lib.admin import exports
from gameproject.lib.ids import uuid7
from observability.models import Logs, StrategyExecutionLog, TraceDrops
from observability.tests.kept import store_what_waits
from strategies import publishing
from strategies.models import Score, Task
from strategies.tests.conftest import FIRST_TIME_BONUS, World, constant_program, data_program, tamper

__all__ = ["tamper"]

LIST = "admin:observability_strategyexecutionlog_changelist"
PAGE = "admin:observability_strategyexecutionlog_change"
REPLAY = "admin:observability_strategyexecutionlog_replay"
EXPORT = "admin:observability_strategyexecutionlog_export"


@pytest.fixture
def staff(world: World) -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("admin"))
    world.task("t1", world.strategy("Minutes", data_program()))
    world.task("t2", world.strategy("Constant", constant_program(3, "Flat")))
    return client


@pytest.fixture
def ran(staff: Client, world: World, redis: Redis) -> dict[str, StrategyExecutionLog]:
    """Three executions: one that counted, one that failed, one of another task and player."""
    world.score("ana", data={"minutes": 12})
    world.score("ana", data={"minutes": "many"})
    world.score("bea", task="t2")
    store_what_waits(redis)
    rows = StrategyExecutionLog.objects.order_by("pk")
    return dict(zip(("counted", "failed", "flat"), rows, strict=True))


def listed(staff: Client, **query: str | int) -> list[StrategyExecutionLog]:
    return list(staff.get(reverse(LIST), query).context["cl"].result_list)


def text(answer: Any) -> str:
    return " ".join(answer.content.decode().split())


# ── The list ─────────────────────────────────────────────────────────────────────────────────────
def test_executions_are_listed_newest_first(staff: Client, ran: dict[str, StrategyExecutionLog]) -> None:
    assert listed(staff) == [ran["flat"], ran["failed"], ran["counted"]]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ({"status": "error"}, ["failed"]),
        ({"status": "ok"}, ["flat", "counted"]),
        ({"status": "timeout"}, []),
        ({"code": "DSL_ASSIGN_POINTS_NOT_NUMBER"}, ["failed"]),
        ({"code": "DSL_ARITH_DIV_BY_ZERO"}, []),
        ({"kind": "sampled"}, ["flat", "counted"]),
        ({"kind": "slow"}, []),
        ({"kind": "error"}, ["failed"]),
        ({"strategy": "minutes"}, ["failed", "counted"]),
        ({"strategy": "minutes", "version": 1, "alias": "production"}, ["failed", "counted"]),
        ({"version": 2}, []),
        ({"task": "t2"}, ["flat"]),
        ({"game": "g1", "realm": "acme", "player": "bea"}, ["flat"]),
        ({"case": "Flat"}, ["flat"]),
        ({"slow": "100000"}, []),
        ({"slow": "0.0001"}, ["flat", "failed", "counted"]),
    ],
    ids=str,
)
def test_executions_are_filtered_by_what_they_are(
    staff: Client, ran: dict[str, StrategyExecutionLog], query: dict[str, Any], names: list[str]
) -> None:
    assert listed(staff, **query) == [ran[name] for name in names]


def test_search_finds_exactly(staff: Client, ran: dict[str, StrategyExecutionLog]) -> None:
    counted, flat = ran["counted"], ran["flat"]
    for term in (str(counted.pk), str(counted.score_id), counted.request_id):
        assert listed(staff, q=term) == [counted]
    for term in ("bea", "t2", str(flat.task_id)):
        assert listed(staff, q=term) == [flat]
    assert len(listed(staff, q="g1")) == 3
    for term in ("nothing", "an", "00000000-0000-0000-0000-000000000000", "f" * 32):
        assert listed(staff, q=term) == []


def test_the_list_takes_few_queries_and_reads_no_trace(
    staff: Client,
    world: World,
    redis: Redis,
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    for n in range(12):
        world.score(f"player-{n}", data={"minutes": n})
    store_what_waits(redis)
    with django_assert_max_num_queries(9) as queries:
        assert len(listed(staff)) == 12
    for query in queries.captured_queries:
        for column in ("trace", "facts", "data", "variables"):
            assert f'."{column}"' not in query["sql"]


def test_an_execution_outlives_its_task(staff: Client, world: World, redis: Redis) -> None:
    world.score("ana", data={"minutes": "many"})
    store_what_waits(redis)
    Task.objects.filter(external_id="t1").delete()
    (execution,) = listed(staff)
    assert "deleted" in text(staff.get(reverse(PAGE, args=(execution.pk,))))


def test_what_was_lost_is_said_above_the_list(staff: Client) -> None:
    now = clock.now().replace(second=0, microsecond=0)
    for at, n in ((now, 1200), (now - timedelta(days=3), 50)):
        TraceDrops.objects.create(report_id=uuid7(), minute=at, reason="queue_full", n_traces=n)

    assert "1,200 traces of this span of time were lost" in text(staff.get(reverse(LIST)))
    assert "1,250 queue full" in text(staff.get(reverse(LIST), {"span": "7d"}))
    assert "were lost" not in text(staff.get(reverse(LIST), {"until": "2020-01-01"}))


# ── The page ─────────────────────────────────────────────────────────────────────────────────────
def test_the_page_shows_the_run_on_the_program(staff: Client, ran: dict[str, StrategyExecutionLog]) -> None:
    page = text(staff.get(reverse(PAGE, args=(ran["counted"].pk,))))

    assert "Reproduced." in page
    assert "12 points, case Counted" in page
    assert "data.minutes" in page
    assert reverse("admin:strategies_score_change", args=(ran["counted"].score_id,)) in page
    assert reverse("request", args=(ran["counted"].request_id,)) in page


def test_a_failed_node_is_marked_with_its_message(
    staff: Client, ran: dict[str, StrategyExecutionLog]
) -> None:
    page = text(staff.get(reverse(PAGE, args=(ran["failed"].pk,))))

    assert "is-failed" in page
    assert "DSL_ASSIGN_POINTS_NOT_NUMBER" in page
    assert 'class="failure"' in page
    assert "Reproduced." in page
    assert "nothing was scored" in page


def test_what_was_cut_is_said(staff: Client, world: World, redis: Redis, settings: Settings) -> None:
    settings.DSL_EXECUTION_LOG_TRACE_LIMIT = 1
    world.score("ana", data={"minutes": 12})
    store_what_waits(redis)
    execution = StrategyExecutionLog.objects.get()

    page = text(staff.get(reverse(PAGE, args=(execution.pk,))))

    assert "2 evaluations of the stored trace were cut" in page
    assert "data.minutes" in page


def test_the_page_takes_few_queries_and_escapes_what_it_shows(
    staff: Client, world: World, redis: Redis, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    world.score("<b>ana", data={"minutes": 12, "note": "<script>alert(1)</script>"})
    store_what_waits(redis)
    url = reverse(PAGE, args=(StrategyExecutionLog.objects.get().pk,))
    staff.get(url)  # the program is in the cache then
    with django_assert_max_num_queries(9):
        page = text(staff.get(url))
    assert "<script>alert(1)" not in page
    assert "<b>ana" not in page


def test_no_execution_is_there_by_another_name(staff: Client) -> None:
    for pk in ("nothing", "00000000-0000-0000-0000-000000000000", str(uuid7())):
        assert staff.get(reverse(PAGE, args=(pk,))).status_code == 404
    assert staff.post(reverse(REPLAY, args=(uuid7(),)), {"version": 1}).status_code == 404


# ── Replay ───────────────────────────────────────────────────────────────────────────────────────
def test_a_replay_shows_the_difference_and_is_audited(
    staff: Client, ran: dict[str, StrategyExecutionLog]
) -> None:
    counted = ran["counted"]
    publishing.edit_strategy(strategy=counted.strategy, program=constant_program(7, "New"))
    url = reverse(REPLAY, args=(counted.pk,))

    page = text(staff.post(url, {"version": 2}, headers={"X-Request-ID": "by-me"}))

    assert "Replayed by version 2 (draft)" in page
    assert "<del>12</del>" in page
    assert "<ins>7</ins>" in page
    row = Logs.objects.get(event="execution.replayed")
    assert (row.staff_user, row.request_id) == ("admin", "by-me")
    assert staff.post(url, {"version": 9}).status_code == 404
    assert staff.post(url, {"version": "x"}).status_code == 302


def test_a_draft_that_does_not_validate_is_said(staff: Client, ran: dict[str, StrategyExecutionLog]) -> None:
    flat = ran["flat"]
    publishing.edit_strategy(strategy=flat.strategy, program=data_program("email"))
    flat.realm.masked_data_keys = ["email"]
    flat.realm.save()

    page = text(staff.post(reverse(REPLAY, args=(flat.pk,)), {"version": 2}))

    assert "PROGRAM_INVALID" in page
    assert not Logs.objects.filter(event="execution.replayed").exists()


# ── Requests ─────────────────────────────────────────────────────────────────────────────────────
def test_a_request_shows_all_that_it_left(staff: Client, ran: dict[str, StrategyExecutionLog]) -> None:
    page = text(staff.get(reverse("request", args=(ran["counted"].request_id,))))

    assert reverse("admin:strategies_score_change", args=(ran["counted"].score_id,)) in page
    assert reverse(PAGE, args=(ran["counted"].pk,)) in page


def test_search_leads_to_the_request_and_to_failed_runs(
    staff: Client, ran: dict[str, StrategyExecutionLog]
) -> None:
    for term, place in (
        (ran["failed"].request_id, reverse("request", args=(ran["failed"].request_id,))),
        (str(ran["failed"].pk), reverse(PAGE, args=(ran["failed"].pk,))),
        (
            str(ran["counted"].pk),
            reverse("admin:strategies_score_change", args=(ran["counted"].score_id,)),
        ),
    ):
        assert staff.get(reverse("search"), {"q": term}).headers["Location"] == place


@pytest.mark.parametrize(
    ("settings_", "age_days", "lost", "said"),
    [
        ({"DSL_EXECUTION_LOG_SAMPLE_RATE": 0.0}, 0, 0, "Not sampled: the sample rate is 0 %"),
        ({"DSL_EXECUTION_LOG_ENABLED": False}, 0, 0, "Traces are switched off"),
        ({}, 31, 0, "kept for 30 days, and this is older"),
        ({}, 0, 7, "Traces were lost in those minutes: 7 (queue_full)"),
        ({}, 0, 0, "still on its way"),
    ],
)
def test_a_request_without_a_trace_says_why(  # noqa: PLR0917  # fixtures
    staff: Client,
    world: World,
    redis: Redis,
    settings: Settings,
    tamper: Any,
    settings_: dict[str, object],
    age_days: int,
    lost: int,
    said: str,
) -> None:
    world.score("ana", data={"minutes": 12})
    score = Score.objects.get()
    for name, value in settings_.items():
        setattr(settings, name, value)
    if age_days:
        tamper(str(score.pk), created_at=clock.now() - timedelta(days=age_days))
    if lost:
        minute = clock.now().replace(second=0, microsecond=0)
        TraceDrops.objects.create(report_id=uuid7(), minute=minute, reason="queue_full", n_traces=lost)

    assert said in text(staff.get(reverse("request", args=(score.request_id,))))


def test_a_request_that_nobody_knows_is_said_to_be_so(staff: Client) -> None:
    assert "Nothing that is stored bears this request id." in text(
        staff.get(reverse("request", args=("no-such-thing",)))
    )


# ── Exports ──────────────────────────────────────────────────────────────────────────────────────
def exported(staff: Client, chosen: str, **query: str) -> str:
    answer = staff.post(reverse(EXPORT, query=query), {"format": chosen})
    assert answer.status_code == 200
    return b"".join(answer).decode()


def test_an_export_holds_what_the_filters_leave(staff: Client, ran: dict[str, StrategyExecutionLog]) -> None:
    (line,) = exported(staff, "jsonl", status="error").splitlines()
    row = json.loads(line)
    assert (row["id"], row["code"]) == (str(ran["failed"].pk), "DSL_ASSIGN_POINTS_NOT_NUMBER")
    assert row["trace"][-1]["error"] == row["code"]

    rows = list(csv.DictReader(io.StringIO(exported(staff, "csv"))))
    assert [row["id"] for row in rows] == [str(ran[name].pk) for name in ("flat", "failed", "counted")]
    assert rows[0]["case"] == "Flat"
    assert json.loads(rows[2]["data"]) == {"minutes": 12}
    assert [row["player"] for row in csv.DictReader(io.StringIO(exported(staff, "csv", q="bea")))] == ["bea"]


def test_an_export_is_audited_before_it_leaves(staff: Client, ran: dict[str, StrategyExecutionLog]) -> None:
    exported(staff, "csv", status="error")

    row = Logs.objects.get(event="executions.exported")
    assert row.staff_user == "admin"
    assert row.details["filters"] == {"status": "error"}
    assert staff.get(reverse(EXPORT)).status_code == 405


def test_an_export_has_an_end_and_says_so(
    staff: Client, ran: dict[str, StrategyExecutionLog], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "MAX_ROWS", 2)
    assert exported(staff, "csv").splitlines()[-1] == "Cut after 2 rows."
    *rows, end = exported(staff, "jsonl").splitlines()
    assert len(rows) == 2
    assert json.loads(end) == {"end": "Cut after 2 rows."}


def test_an_export_reads_some_rows_at_a_time(
    staff: Client, ran: dict[str, StrategyExecutionLog], monkeypatch: pytest.MonkeyPatch
) -> None:
    for n_at_once in (1, 3):
        monkeypatch.setattr(exports, "ROWS_AT_ONCE", n_at_once)
        assert len(exported(staff, "jsonl").splitlines()) == 3


@pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "＝1"])
def test_no_cell_is_a_formula(name: str) -> None:
    assert exports.cell(name) == f"'{name}"


def test_numbers_in_cells_stay_numbers() -> None:
    assert exports.csv_line([-1.5, None, True, {"a": "=1"}, "a,b"]) == '-1.5,,True,"{""a"":""=1""}","a,b"\r\n'


# ── Who may ──────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("group", ["auditor", "author", "operator"])
def test_every_group_may_look(world: World, group: str) -> None:
    client = Client()
    user = get_user_model().objects.create_user(group, is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client.force_login(user)
    assert client.get(reverse(LIST)).status_code == 200
    assert client.get(reverse("request", args=("x",))).status_code == 200
    may = group == "operator"
    assert client.get(reverse("dead_letters")).status_code == (200 if may else 403)


def test_staff_without_a_group_may_not_look(world: World) -> None:
    client = Client()
    client.force_login(get_user_model().objects.create_user("nobody", is_staff=True))
    paths = [reverse(LIST), reverse("request", args=("x",)), reverse(PAGE, args=(uuid7(),))]
    assert [client.get(path).status_code for path in paths] == [403, 403, 403]
    assert client.post(reverse(EXPORT), {"format": "csv"}).status_code == 403


def test_the_lists_indexes_are_there(transactional_db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT indexname FROM pg_indexes WHERE tablename = 'observability_strategyexecutionlog'"
        )
        found = {name for (name,) in cursor.fetchall()}
    assert {"execution_player", "execution_task", "execution_game", "execution_slow"} <= found


def test_a_rule_that_did_not_hold_is_shown_folded(staff: Client, world: World, redis: Redis) -> None:
    world.task("first", world.strategy("First", FIRST_TIME_BONUS))
    world.score("cleo", task="first")
    world.score("cleo", task="first")
    store_what_waits(redis)
    latest = StrategyExecutionLog.objects.latest("pk")
    assert "did not hold" in text(staff.get(reverse(PAGE, args=(latest.pk,))))
