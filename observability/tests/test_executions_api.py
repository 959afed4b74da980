"""Executions over the API: a realm's own, by what they are, and run again."""

from typing import Any

import pytest
from redis import Redis

from gameproject.lib import looking
from gameproject.lib.ids import uuid7
from observability.models import Logs, StrategyExecutionLog
from observability.tests.kept import store_what_waits
from strategies import keys, publishing
from strategies.tests.conftest import World, constant_program, data_program, make_world


@pytest.fixture
def ran(world: World, redis: Redis) -> World:
    """A world in which ana's first event counted, her second failed, and bea's was another task's."""
    world.task("t1", world.strategy("Minutes", data_program()))
    world.task("t2", world.strategy("Constant", constant_program(3, "Flat")))
    world.score("ana", data={"minutes": 12})
    world.score("ana", data={"minutes": "many"})
    world.score("bea", task="t2")
    store_what_waits(redis)
    return world


def items(world: World, query: str = "") -> list[dict[str, Any]]:
    answer = world.get(f"/executions{query}")
    assert answer.status_code == 200, answer.content
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


def failed() -> StrategyExecutionLog:
    return StrategyExecutionLog.objects.get(is_error=True)


def test_executions_are_listed_without_their_traces(ran: World) -> None:
    flat, error, counted = items(ran)
    assert (flat["caseName"], flat["points"], flat["externalTaskId"], flat["version"]) == ("Flat", 3, "t2", 1)
    assert (error["status"], error["code"]) == ("error", "DSL_ASSIGN_POINTS_NOT_NUMBER")
    assert (counted["kind"], counted["weight"], counted["strategy"]) == ("sampled", 1.0, "minutes")
    assert "trace" not in counted


@pytest.mark.parametrize(
    ("query", "n_found"),
    [
        ("status=error", 1),
        ("status=ok", 2),
        ("kind=slow", 0),
        ("kind=error&code=DSL_ASSIGN_POINTS_NOT_NUMBER", 1),
        ("strategy=minutes&version=1", 2),
        ("strategy=minutes&alias=production&user=ana", 2),
        ("game=g1&task=t2", 1),
        ("game=g1", 3),
        ("case=Flat", 1),
        ("minSeconds=1000", 0),
        ("minSeconds=0", 3),
        ("since=2026-01-01T00:00:00Z", 3),
        ("until=2026-01-01T00:00:00Z", 0),
    ],
)
def test_executions_are_asked_for_by_what_they_are(ran: World, query: str, n_found: int) -> None:
    assert len(items(ran, f"?{query}")) == n_found


def test_executions_are_found_by_score_and_request(ran: World) -> None:
    counted = items(ran)[2]
    for query in (f"scoreId={counted['scoreId']}", f"requestId={counted['requestId']}"):
        assert items(ran, f"?{query}") == [counted]


@pytest.mark.parametrize(
    "query",
    [
        *("status=bad", "kind=x", "version=1", "strategy=minutes&version=x", "scoreId=x", "minSeconds=x"),
        *("minSeconds=nan", "since=soon", "nonsense=1", "user=%00", "limit=0", "cursor=x"),
    ],
)
def test_nonsense_is_refused(ran: World, query: str) -> None:
    assert ran.get(f"/executions?{query}").json()["error"]["code"] == "QUERY_INVALID"


@pytest.mark.parametrize(
    ("query", "code"),
    [
        ("game=x", "GAME_NOT_FOUND"),
        ("game=g1&task=x", "TASK_NOT_FOUND"),
        ("strategy=x", "STRATEGY_NOT_FOUND"),
        ("strategy=minutes&version=7", "VERSION_NOT_FOUND"),
    ],
)
def test_what_is_not_there_is_said(ran: World, query: str, code: str) -> None:
    assert ran.get(f"/executions?{query}").json()["error"]["code"] == code


def test_pages_go_on_by_cursor(ran: World) -> None:
    first = ran.get("/executions?limit=2").json()
    second = ran.get(f"/executions?limit=2&cursor={first['nextCursor']}").json()
    assert [*first["items"], *second["items"]] == items(ran)
    assert second["nextCursor"] is None


@pytest.mark.parametrize("query", ["case=Counted", "strategy=minutes&case=Counted", "user=ana&game=g1"])
def test_a_look_is_bounded_and_the_cursor_goes_on_from_where_it_ended(
    ran: World, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = items(ran, f"?{query}")
    monkeypatch.setattr(looking, "MAX_LOOKED_AT_APART", 1)

    page = ran.get(f"/executions?{query}").json()
    found, n_pages = page["items"], 1
    while page["nextCursor"]:
        assert page["lookedBackTo"] is not None
        page = ran.get(f"/executions?{query}&cursor={page['nextCursor']}").json()
        found, n_pages = [*found, *page["items"]], n_pages + 1

    assert found == expected != []
    assert page["lookedBackTo"] is None
    assert n_pages > 2


def test_what_is_found_by_index_alone_is_not_bounded(ran: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "MAX_LOOKED_AT_APART", 1)
    for query in (
        "",
        "?user=ana",
        "?game=g1",
        "?strategy=minutes",
        "?status=ok",
        "?since=2026-01-01T00:00:00Z",
    ):
        page = ran.get(f"/executions{query}").json()
        assert len(page["items"]) > 1
        assert (page["nextCursor"], page["lookedBackTo"]) == (None, None)


def test_an_execution_has_its_inputs_and_its_trace(ran: World) -> None:
    whole = ran.get(f"/executions/{failed().pk}").json()
    assert whole["data"] == {"minutes": "many"}
    assert whole["trace"][-1]["error"] == whole["code"]
    assert whole["nCut"] == 0


def test_a_replay_by_its_own_version_gives_the_same(ran: World) -> None:
    answer = ran.post(f"/executions/{failed().pk}/replay", {})
    replay = answer.json()
    assert answer.status_code == 200
    assert (replay["verdict"], replay["isOwnVersion"], replay["differences"]) == ("same", True, [])
    assert replay["result"]["code"] == failed().code
    assert Logs.objects.get(event="execution.replayed").api_key == ran.key.partition(".")[0]


def test_a_replay_by_another_version_shows_what_would_differ(ran: World) -> None:
    execution = failed()
    publishing.edit_strategy(strategy=execution.strategy, program=constant_program(7, "New"))

    replay = ran.post(f"/executions/{execution.pk}/replay", {"version": 2}).json()

    assert replay["verdict"] == "different"
    assert {"name": "points", "stored": None, "replayed": 7} in replay["differences"]
    missing = ran.post(f"/executions/{execution.pk}/replay", {"version": 9}).json()
    assert missing["error"]["code"] == "VERSION_NOT_FOUND"


def test_a_request_s_traces_or_why_there_are_none(ran: World, redis: Redis) -> None:
    told = ran.get(f"/traces?requestId={failed().request_id}").json()
    assert [item["code"] for item in told["items"]] == ["DSL_ASSIGN_POINTS_NOT_NUMBER"]
    assert (told["nScores"], told["reasons"]) == (0, [])

    request_id = ran.score("ana", data={"minutes": 1}).json()["requestId"]
    told = ran.get(f"/traces?requestId={request_id}").json()
    assert (told["items"], told["nScores"]) == ([], 1)
    assert "still on its way" in told["reasons"][0]
    assert "No event" in ran.get("/traces?requestId=nothing").json()["reasons"][0]
    for query in ("", "?requestId=", "?requestId=" + "x" * 65, "?requestId=a&b=1"):
        assert ran.get(f"/traces{query}").json()["error"]["code"] == "QUERY_INVALID"


def test_a_realm_sees_nothing_of_another_s(ran: World) -> None:
    other = make_world("other")
    execution = failed()

    assert items(other) == []
    for answer in (
        other.get(f"/executions/{execution.pk}"),
        other.post(f"/executions/{execution.pk}/replay", {}),
        ran.get(f"/executions/{uuid7()}"),
    ):
        assert answer.status_code == 404
        assert answer.json()["error"]["code"] == "EXECUTION_NOT_FOUND"
    assert other.get(f"/traces?requestId={execution.request_id}").json()["items"] == []
    assert items(other, f"?requestId={execution.request_id}") == []


def test_reading_needs_read_and_replaying_operate(ran: World) -> None:
    _row, reader = keys.create_api_key(realm=ran.realm, name="reader", scopes=["read"])
    _row, scorer = keys.create_api_key(realm=ran.realm, name="scorer", scopes=["score"])
    path = f"/executions/{failed().pk}"
    ran.key = reader
    assert ran.get(path).status_code == 200
    assert ran.post(f"{path}/replay", {}).status_code == 403
    ran.key = scorer
    assert ran.get("/executions").status_code == 403
    assert ran.get("/traces?requestId=x").status_code == 403
