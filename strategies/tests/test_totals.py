"""Sums by game, task and player come from the running figures and equal the ledger."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from strategies.tests.conftest import World, data_program


@pytest.fixture
def played(world: World) -> World:
    strategy = world.strategy("Minutes", data_program())
    world.task("t1", strategy)
    world.task("t2", strategy)
    world.task("idle", strategy)
    for user, task, minutes in [
        ("ana", "t1", 1.5),
        ("ana", "t1", 2),
        ("ana", "t2", 10),
        ("ben", "t1", 4),
        ("ben", "t2", 0),
    ]:
        assert world.score(user, task, data={"minutes": minutes}).status_code == 201
    world.score("eve", "t1", data={"minutes": 100}, isTest=True)
    return world


def test_a_games_points_in_all_and_by_task(played: World) -> None:
    totals = played.get("/games/g1/points").json()

    assert (totals["externalGameId"], totals["points"], totals["timesScored"]) == ("g1", 17.5, 5)
    assert totals["timesAwarded"] == sum(task["timesAwarded"] for task in totals["tasks"])
    assert [(task["externalTaskId"], task["points"], task["timesScored"]) for task in totals["tasks"]] == [
        ("idle", 0, 0),
        ("t2", 10, 2),
        ("t1", 7.5, 3),
    ]
    first = played.get("/games/g1/points?limit=2").json()
    rest = played.get(f"/games/g1/points?limit=2&cursor={first['nextCursor']}").json()
    assert [task["externalTaskId"] for task in first["tasks"] + rest["tasks"]] == ["idle", "t2", "t1"]
    assert (rest["points"], rest["nextCursor"]) == (17.5, None)


def test_a_tasks_points(played: World) -> None:
    task = played.get("/games/g1/tasks/t1/points").json()
    assert (task["externalTaskId"], task["points"], task["timesScored"]) == ("t1", 7.5, 3)
    assert played.get("/games/g1/tasks/idle/points").json()["points"] == 0
    assert played.get("/games/g1/tasks/none/points").status_code == 404


def test_a_games_players_page_by_page(played: World) -> None:
    pages = [played.get("/games/g1/users?limit=1").json()]
    while pages[-1]["nextCursor"]:
        pages.append(played.get(f"/games/g1/users?limit=1&cursor={pages[-1]['nextCursor']}").json())

    players = [item for page in pages for item in page["items"]]
    assert [(p["externalUserId"], p["points"], p["timesScored"]) for p in players] == [
        ("ben", 4, 2),
        ("ana", 13.5, 3),
    ], "who was only tested has scored nothing"
    assert {p["streakDays"] for p in players} == {1}
    assert played.get("/games/g1/users?cursor=x").status_code == 400


def test_many_players_are_asked_for_at_once(played: World, other_world: World) -> None:
    body = {"externalUserIds": ["ben", "nobody", "ana", "ben", "eve"]}

    answer = played.post("/users/points/query", body)

    assert answer.status_code == 200, answer.content
    assert [(p["externalUserId"], p["points"]) for p in answer.json()["items"]] == [
        ("ben", 4),
        ("ana", 13.5),
        ("eve", 0),
    ]
    assert answer.json()["unknown"] == ["nobody"]
    assert answer.json()["items"][1] == played.get("/users/ana/points").json()
    assert other_world.post("/users/points/query", body).json()["items"] == []


def test_it_takes_as_many_statements_for_one_as_for_all(played: World) -> None:
    def n_statements(*names: str) -> int:
        with CaptureQueriesContext(connection) as captured:
            assert played.post("/users/points/query", {"externalUserIds": names}).status_code == 200
        return len(captured)

    assert n_statements("ana") == n_statements("ana", "ben", "eve", "nobody")


@pytest.mark.parametrize(
    "names", [None, [], ["x"] * 501, [""], ["a/b"], ["a\0"], [1], "ana"], ids=lambda names: str(names)[:20]
)
def test_a_bad_query_is_refused(world: World, names: object) -> None:
    assert world.post("/users/points/query", {"externalUserIds": names}).status_code == 400


def test_another_realms_totals_are_not_there(played: World, other_world: World) -> None:
    for path in ("points", "users", "tasks/t1/points"):
        assert other_world.get(f"/games/{played.game.pk}/{path}").status_code == 404
