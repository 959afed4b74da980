"""The KPI endpoints: a realm's own figures, exact from the ledger, weighted from the traces."""

import json
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from gameproject.lib import clock
from kpi import rolling_up, strategy_sources
from kpi.strategy_sources import SAMPLES
from observability import partitions
from observability.models import StrategyExecutionLog
from strategies.models import Score
from strategies.tests.conftest import World, constant_program, data_program


def label_counts(points: Sequence[dict[str, object]]) -> dict[str, object]:
    return {str(each["label"]): each["count"] for each in points}


def trace(score: Score, **fields: object) -> None:
    made_trace(score, **fields).save(force_insert=True)


def made_trace(score: Score, **fields: object) -> StrategyExecutionLog:
    """A run, as the worker would store it."""
    given = {
        "id": uuid.uuid4(),
        "score_id": score.pk,
        "request_id": "r",
        "realm_id": score.realm_id,
        "strategy_id": score.strategy_id,
        "strategy_version_id": score.strategy_version_id,
        "strategy_type": "DSL_FULL",
        "alias": "production",
        "game_id": score.game_id,
        "task_id": score.task_id,
        "external_user_id": "ana",
        "status": "ok",
        "duration_seconds": 0.002,
        "nodes": 3,
        "facts": {},
        "data": {},
        "variables": {},
        "trace": [],
        "n_cut": 0,
        "is_test": False,
        "kind": "sampled",
        "is_error": False,
        "weight": 20.0,
        "created_at": clock.now(),
    }
    return StrategyExecutionLog(**given | fields)


@pytest.fixture
def minutes(world: World) -> World:
    world.task("t1", world.strategy("Minutes", data_program()))
    for user, n_minutes in (("ana", 5), ("ben", 15), ("ana", 25)):
        assert world.score(user, data={"minutes": n_minutes}).status_code == 201
    world.score("eve", data={"minutes": 1000}, isTest=True)
    return world


# ── Daily figures ────────────────────────────────────────────────────────────────────────────────
def test_daily_figures_are_the_realms_own(minutes: World, other_world: World) -> None:
    today = clock.now().date()
    rolling_up.roll_up_days(today, today)

    (day,) = minutes.get("/kpi/daily").json()["items"]
    assert (day["day"], day["timeZone"], day["isProvisional"]) == (str(today), "UTC", True)
    assert (day["nScores"], day["pointsAwarded"], day["nActivePlayers"], day["nNewPlayers"]) == (3, 45, 2, 3)
    assert day["interactionsPerPlayer"] == 1.5
    assert day["retentionDay1"] is None

    (other,) = other_world.get("/kpi/daily").json()["items"]
    assert other["nScores"] == 0


@pytest.mark.parametrize(
    "query",
    [
        "from=yesterday",
        "from=2026-02-30",
        "from=2026-01-02&to=2026-01-01",
        "from=2024-01-01&to=2026-01-01",
        "to=0001-01-01",
    ],
)
def test_days_that_are_none_are_refused(world: World, query: str) -> None:
    refused = world.get(f"/kpi/daily?{query}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "QUERY_INVALID")


# ── The dashboard ────────────────────────────────────────────────────────────────────────────────
def test_the_summary_has_every_label_in_order_and_gaps_as_0(minutes: World) -> None:
    today = clock.now().date()
    minutes.post("/users/ana/actions", {"typeAction": "look"})
    rolling_up.roll_up_days(today, today)

    first = today - timedelta(days=2)
    found = minutes.get(f"/dashboard/summary?start_date={first}&end_date={today}").json()

    days = [str(first), str(first + timedelta(days=1)), str(today)]
    assert [each["label"] for each in found["newUsers"]] == days
    assert label_counts(found["newUsers"]) == dict.fromkeys(days, 0) | {str(today): 3}
    assert label_counts(found["gamesOpened"])[str(today)] == 1
    assert label_counts(found["pointsEarned"])[str(today)] == 45
    assert label_counts(found["actionsPerformed"])[str(today)] == 1
    assert found["nDaysMissing"] == 2
    assert found["rolledUpAt"] is not None


@pytest.mark.parametrize(
    ("group_by", "labels"),
    [("week", ["2024-W52", "2025-W01", "2025-W02"]), ("month", ["2024-12", "2025-01"])],
)
def test_weeks_are_isos_and_months_of_the_year(world: World, group_by: str, labels: list[str]) -> None:
    query = f"start_date=2024-12-29&end_date=2025-01-06&group_by={group_by}"
    found = world.get(f"/dashboard/summary?{query}").json()
    assert [each["label"] for each in found["pointsEarned"]] == labels


def test_what_was_done_is_counted_by_level(minutes: World, other_world: World) -> None:
    made = minutes.post("/games", {"externalGameId": "g2", "platform": "web"})
    assert made.status_code == 201
    found = minutes.get("/dashboard/summary/logs").json()
    assert found["info"][-1]["count"] >= 1
    assert {level: len(points) for level, points in found.items()} == dict.fromkeys(
        ("info", "warning", "error"), 30
    )
    assert found["error"][-1]["count"] == 0


# ── Strategies ───────────────────────────────────────────────────────────────────────────────────
def test_the_ledger_is_exact_and_the_traces_are_weighted(minutes: World) -> None:
    for score, seconds in zip(
        Score.objects.filter(is_test=False).order_by("pk"), (0.002, 0.003, 0.2), strict=True
    ):
        slow = seconds > 0.1
        trace(
            score, duration_seconds=seconds, weight=1.0 if slow else 20.0, kind="slow" if slow else "sampled"
        )
    failed = {"status": "error", "is_error": True, "kind": "error", "weight": 1.0, "duration_seconds": 0.001}
    trace(Score.objects.all()[0], **failed, code="DSL_ARITH_DIV_BY_ZERO", node_id="n1", score_id=None)

    found = minutes.get("/strategies/custom/minutes/metrics").json()

    executions = found["executions"]
    assert executions["byStatus"] == {"ok": 3, "error": 1, "timeout": 0, "limit": 0}
    assert executions["errorRate"]["value"] == 0.25
    assert executions["errorRate"]["low"] < 0.25 < executions["errorRate"]["high"]
    durations = found["durations"]
    assert (durations["source"], durations["nRows"]) == ("traces", 4)
    assert durations["mean"]["value"] == pytest.approx((0.002 * 20 + 0.003 * 20 + 0.2 + 0.001) / 42)
    assert (durations["p50"], durations["p95"], durations["max"]) == (0.002, 0.003, 0.2)
    assert sum(bucket["n"] for bucket in found["durationsHistogram"]) == 42
    scores = found["scores"]
    assert (scores["source"], scores["total"], scores["points"]) == ("ledger", 3, 45)
    assert scores["meanPoints"]["value"] == 15
    assert [each["n"] for each in scores["pointsHistogram"]] == [1, 0, 0, 0, 0, 1, 0, 0, 0, 1]
    assert found["topCases"]["items"] == [{"caseName": "Counted", "n": 3, "points": 45}]
    assert found["topErrors"]["items"] == [{"code": "DSL_ARITH_DIV_BY_ZERO", "nodeId": "n1", "n": 1}]


def test_of_more_traces_than_can_be_read_some_stand_for_all(
    minutes: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    score = Score.objects.filter(is_test=False)[0]
    traces = [made_trace(score, duration_seconds=0.001 * (1 + n % 9)) for n in range(3000)]
    StrategyExecutionLog.objects.bulk_create(traces)
    monkeypatch.setattr(
        strategy_sources, "MAX_BYTES", partitions.n_bytes(SAMPLES, *[clock.now().date()] * 2) // 4
    )

    found = minutes.get("/strategies/custom/minutes/metrics").json()

    assert 300 < found["durations"]["nRows"] < 1500
    n_runs = sum(bucket["n"] for bucket in found["durationsHistogram"])
    assert n_runs == pytest.approx(3000 * 20, rel=0.5), "a part by chance, whose rows weigh more"
    assert n_runs == pytest.approx(found["durations"]["nRows"] * 20 * 4, rel=0.01)
    assert found["durations"]["mean"]["value"] == pytest.approx(0.005, rel=0.05)


def test_a_strategy_that_did_nothing_has_no_rates(world: World) -> None:
    world.strategy("Idle", constant_program(1))
    found = world.get("/strategies/custom/idle/metrics?version=1").json()
    assert found["executions"]["successRate"] is None
    assert found["durations"]["mean"] is None
    assert found["scores"]["pointsHistogram"] == []


def test_two_strategies_side_by_side(world: World) -> None:
    world.task("five", world.strategy("Five", constant_program(5)))
    world.task("seven", world.strategy("Seven", constant_program(7)))
    for n in range(10):
        world.score(f"p{n}", task="five")
        world.score(f"p{n}", task="seven")

    found = world.get("/strategies/custom/compare?a=five@1&b=seven").json()

    assert (found["a"]["strategyId"], found["a"]["version"]) == ("five", 1)
    assert (found["b"]["strategyId"], found["b"]["version"]) == ("seven", None)
    differences = found["differences"]
    assert differences["meanPoints"] == {"value": 2, "low": 2, "high": 2}
    assert differences["awardRate"]["value"] == 0
    assert differences["awardRate"]["low"] < 0 < differences["awardRate"]["high"]


def test_the_past_is_cut_by_since_and_until(minutes: World) -> None:
    found = minutes.get("/strategies/custom/minutes/metrics?until=2026-01-01T00:00:00Z").json()
    assert found["scores"]["total"] == 0


def test_another_realms_strategy_is_not_there(minutes: World, other_world: World) -> None:
    for path in ("minutes/metrics", "compare?a=minutes@1&b=default@1"):
        refused = other_world.get(f"/strategies/custom/{path}")
        assert (refused.status_code, refused.json()["error"]["code"]) == (404, "STRATEGY_NOT_FOUND")


def test_another_realms_scores_of_a_built_in_strategy_are_not_counted(
    world: World, other_world: World
) -> None:
    world.task("t1")
    assert world.score().status_code == 201
    assert world.get("/strategies/custom/default/metrics").json()["scores"]["total"] == 1
    assert other_world.get("/strategies/custom/default/metrics").json()["scores"]["total"] == 0


@pytest.mark.parametrize(
    "path",
    [
        "minutes/metrics?version=one",
        "minutes/metrics?since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z",
        "minutes/metrics?since=2020-01-02T00:00:00Z",
        "compare?a=minutes@1",
        "compare?a=minutes@1&b=minutes@x",
    ],
)
def test_queries_that_mean_nothing_are_refused(minutes: World, path: str) -> None:
    refused = minutes.get(f"/strategies/custom/{path}")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "QUERY_INVALID")


def test_a_version_that_is_not_there(minutes: World) -> None:
    refused = minutes.get("/strategies/custom/minutes/metrics?version=9")
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "VERSION_NOT_FOUND")


def test_compare_is_no_strategys_slug(world: World) -> None:
    assert world.strategy("Compare", constant_program(1)).slug == "compare-2"


def test_the_window_is_a_week_if_nothing_is_said(world: World) -> None:
    world.strategy("Idle", constant_program(1))
    found = world.get("/strategies/custom/idle/metrics").json()
    since, until = (datetime.fromisoformat(found[name]) for name in ("since", "until"))
    assert until - since == timedelta(days=7)
    assert until.tzinfo == UTC or until.utcoffset() == timedelta(0)
    assert json.dumps(found)
