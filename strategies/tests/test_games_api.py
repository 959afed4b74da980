"""Games and tasks change and go while events arrive."""

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from strategies import games, ledger
from strategies.models import Game, PlayerGameStats, Score, Strategy, Task
from strategies.tests.conftest import World, constant_program
from strategies.tests.threads import at_once


def patch(world: World, path: str, body: object) -> Any:
    return world.request("PATCH", path, body)


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


# ── Change ───────────────────────────────────────────────────────────────────────────────────────
def test_a_game_is_changed_key_by_key(world: World) -> None:
    world.strategy("Five", constant_program(5))

    changed = patch(
        world,
        "/games/g1",
        {"platform": "app", "timeZone": "Europe/Vienna", "params": [{"key": "k", "value": [1]}]},
    )
    assert changed.status_code == 200, changed.content
    assert (changed.json()["platform"], changed.json()["timeZone"]) == ("app", "Europe/Vienna")
    assert changed.json()["strategyId"] == "default", "what is not sent stays"

    assert patch(world, "/games/g1", {"strategyId": "five"}).json()["strategyId"] == "five"
    back = patch(world, "/games/g1", {"timeZone": None}).json()
    assert (back["timeZone"], back["params"]) == ("UTC", [{"key": "k", "value": [1]}])


def test_a_changed_strategy_scores_the_next_event(world: World) -> None:
    world.strategy("Five", constant_program(5))
    world.task("t1", world.strategy("One", constant_program(1)))
    assert world.score().json()["points"] == 1

    patch(world, "/games/g1", {"strategyId": "five"})
    assert world.score().json()["points"] == 1, "the task has its own"
    patch(world, "/games/g1/tasks/t1", {"strategyId": None})
    assert world.score().json()["points"] == 5, "the game's"


def test_a_closed_task_refuses_and_an_opened_one_scores_again(world: World) -> None:
    world.task("t1")
    world.score()

    assert patch(world, "/games/g1/tasks/t1", {"status": "closed"}).json()["status"] == "closed"
    assert code(world.score()) == (409, "TASK_CLOSED")
    patch(world, "/games/g1/tasks/t1", {"status": "open"})
    assert world.score().status_code == 201


def test_variables_act_on_the_next_event_and_must_fit_the_strategy(world: World) -> None:
    world.task("t1")
    assert world.score().json()["points"] == 1

    changed = patch(world, "/games/g1/tasks/t1", {"variables": {"variable_basic_points": 7}})
    assert changed.json()["effectiveVariables"]["variable_basic_points"] == 7
    assert world.score("ben").json()["points"] == 7

    world.strategy("Five", constant_program(5))
    refused = patch(world, "/games/g1/tasks/t1", {"strategyId": "five"})
    assert refused.status_code == 400
    assert refused.json()["error"]["problems"][0]["pointer"] == "/variables"
    assert patch(world, "/games/g1/tasks/t1", {"strategyId": "five", "variables": {}}).status_code == 200


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/games/g1", {"externalGameId": "other"}, 400),
        ("/games/g1", {"platform": None}, 400),
        ("/games/g1", {"timeZone": "Mars/Base"}, 400),
        ("/games/g1", {"strategyId": None}, 400),
        ("/games/g1", {"strategyId": "none"}, 404),
        ("/games/g1", {"variables": {"no_such": 1}}, 400),
        ("/games/g1", {"params": [{"key": "k", "value": "\0"}]}, 400),
        ("/games/none", {}, 404),
        ("/games/g1/tasks/t1", {"status": "gone"}, 400),
        ("/games/g1/tasks/t1", {"status": None}, 400),
        ("/games/g1/tasks/t1", {"variables": {"variable_basic_points": "x"}}, 400),
        ("/games/g1/tasks/none", {"status": "closed"}, 404),
    ],
)
def test_a_bad_change_is_refused_and_changes_nothing(
    world: World, path: str, body: object, status: int
) -> None:
    world.task("t1")
    before = list(Game.objects.values()), list(Task.objects.values())

    assert patch(world, path, body).status_code == status
    assert (list(Game.objects.values()), list(Task.objects.values())) == before


def test_an_empty_change_changes_nothing_and_empties_no_cache(world: World) -> None:
    world.task("t1")
    before = Game.objects.get().realm.config_epoch

    assert patch(world, "/games/g1", {}).status_code == 200
    assert patch(world, "/games/g1/tasks/t1", {}).status_code == 200
    assert Game.objects.get().realm.config_epoch == before


def test_an_archived_strategy_is_not_given_to_anything(world: World) -> None:
    world.task("t1")
    world.strategy("Old", constant_program(1))
    world.post("/strategies/custom/old/archive", {"force": True})

    for answer in (
        patch(world, "/games/g1", {"strategyId": "old"}),
        patch(world, "/games/g1/tasks/t1", {"strategyId": "old"}),
        world.post("/games/g1/tasks", {"externalTaskId": "t2", "strategyId": "old"}),
        world.post("/games", {"externalGameId": "g2", "platform": "p", "strategyId": "old"}),
    ):
        assert code(answer) == (409, "STRATEGY_ARCHIVED")


def test_another_realms_games_and_tasks_are_not_there(world: World, other_world: World) -> None:
    task = world.task("t1")
    for method in ("PATCH", "DELETE"):
        for path in (f"/games/{world.game.pk}", f"/games/{world.game.pk}/tasks/{task.pk}"):
            assert code(other_world.request(method, path, {})) == (404, "GAME_NOT_FOUND")
    assert Task.objects.exists()


# ── Bulk ─────────────────────────────────────────────────────────────────────────────────────────
def test_a_bulk_answers_each_task_as_if_it_had_been_sent_alone(world: World) -> None:
    world.strategy("Five", constant_program(5))
    world.task("there")

    answer = world.post(
        "/games/g1/tasks/bulk",
        {
            "tasks": [
                {"externalTaskId": "a", "strategyId": "five"},
                {"externalTaskId": "there"},
                {"externalTaskId": ""},
                {"externalTaskId": "a"},
                {"externalTaskId": "b", "strategyId": "none"},
                {"externalTaskId": "c", "variables": {"variable_basic_points": "x"}},
                7,
                {"externalTaskId": "d", "params": [{"key": "k", "value": 1}], "extra": 1},
                {"externalTaskId": "e", "variables": {"variable_basic_points": 3}},
            ]
        },
    )

    assert answer.status_code == 200, answer.content
    results = answer.json()["results"]
    assert [result["index"] for result in results] == list(range(9))
    assert [result["status"] for result in results] == [201, 409, 400, 409, 404, 400, 400, 400, 201]
    assert results[0]["task"]["strategyId"] == "five"
    assert results[3]["error"]["code"] == "TASK_EXISTS"
    assert {"task", "error"} & set(results[8]) == {"task"}
    assert set(Task.objects.values_list("external_id", flat=True)) == {"there", "a", "e"}
    assert world.score(task="a").json()["points"] == 5


def test_a_bulk_of_a_thousand_takes_as_many_statements_as_one_of_ten(world: World) -> None:
    def statements(prefix: str, n: int) -> int:
        tasks = [
            {"externalTaskId": f"{prefix}{i}", "variables": {"variable_basic_points": 2}} for i in range(n)
        ]
        with CaptureQueriesContext(connection) as captured:
            assert world.post("/games/g1/tasks/bulk", {"tasks": tasks}).status_code == 200
        return len(captured)

    statements("first", 1)  # loads the program
    assert statements("a", 10) == statements("b", 1000) <= 12
    assert Task.objects.count() == 1011
    assert world.post("/games/g1/tasks/bulk", {"tasks": [{}] * 1001}).status_code == 400
    assert world.post("/games/g1/tasks/bulk", {"tasks": []}).status_code == 400


def test_two_bulks_of_the_same_tasks_make_each_once(world: World) -> None:
    body = {"tasks": [{"externalTaskId": f"t{n}"} for n in range(50)]}

    answers = at_once(4, lambda _: world.post("/games/g1/tasks/bulk", body).json()["results"])

    created = [result["task"]["taskId"] for answer in answers for result in answer if result["status"] == 201]
    assert len(created) == len(set(created)) == Task.objects.count() == 50
    assert {result["status"] for answer in answers for result in answer} == {201, 409}


# ── Delete ───────────────────────────────────────────────────────────────────────────────────────
def test_what_was_never_scored_is_deleted(world: World) -> None:
    world.task("t1")
    world.task("t2")

    deleted = world.request("DELETE", "/games/g1/tasks/t1")
    assert (deleted.status_code, deleted.json()["externalTaskId"], deleted.json()["status"]) == (
        200,
        "t1",
        "open",
    )
    assert code(world.score(task="t1")) == (404, "TASK_NOT_FOUND")
    assert world.post("/games/g1/tasks", {"externalTaskId": "t1"}).status_code == 201, "its name is free"

    assert world.request("DELETE", "/games/g1").status_code == 200
    assert not Task.objects.exists()
    assert code(world.request("DELETE", "/games/g1")) == (404, "GAME_NOT_FOUND")


@pytest.mark.parametrize("is_test", [False, True])
def test_what_was_scored_stays_and_stays_open(world: World, is_test: bool) -> None:
    world.task("t1")
    world.task("t2")
    world.score(isTest=is_test)

    assert code(world.request("DELETE", "/games/g1/tasks/t1")) == (409, "TASK_SCORED")
    assert code(world.request("DELETE", "/games/g1")) == (409, "GAME_SCORED")
    assert set(Task.objects.values_list("status", flat=True)) == {"open"}
    assert world.score().status_code == 201
    assert world.request("DELETE", "/games/g1/tasks/t2").status_code == 200


def delete_task(world: World) -> Any:
    return world.request("DELETE", "/games/g1/tasks/t1")


def delete_game(world: World) -> Any:
    return world.request("DELETE", "/games/g1")


@pytest.mark.parametrize("delete", [delete_task, delete_game])
def test_a_score_that_is_being_written_keeps_what_it_was_given_for(
    world: World, delete: Callable[[World], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The score has read the epoch and has not written its row when the deletion begins."""
    world.task("t1")
    may_write, at_the_write = threading.Event(), threading.Event()
    write = ledger.write

    def held_back(*args: Any, **kwargs: Any) -> None:
        at_the_write.set()
        assert may_write.wait(10)
        write(*args, **kwargs)

    monkeypatch.setattr(ledger, "write", held_back)
    monkeypatch.setattr("django.conf.settings.SCORING_DEADLINE_SECONDS", 10)

    def act(index: int) -> Any:
        if index == 0:
            return world.score()
        at_the_write.wait(10)
        if index == 1:
            return delete(world)
        time.sleep(0.3)
        assert Task.objects.get().status == "closed", "the deletion waits for the score"
        may_write.set()
        return None

    scored, deleted, _ = at_once(3, act)

    assert scored.status_code == 201
    assert deleted.status_code == 409
    assert Task.objects.get().status == "open"
    assert Score.objects.get().task == Task.objects.get()


@pytest.mark.parametrize("delete", [delete_task, delete_game])
def test_whoever_wins_no_score_is_left_without_its_task(world: World, delete: Callable[[World], Any]) -> None:
    for n in range(12):
        Game.objects.filter(external_id="g1").update(external_id=f"kept-{n}")
        world.game = Game.objects.create(
            realm=world.realm, external_id="g1", strategy=Strategy.objects.get(realm=None, slug="default")
        )
        task = world.task("t1")

        def act(index: int, delay: float = n % 6 * 0.004) -> Any:
            if index == 3:
                time.sleep(delay)
                return delete(world)
            return world.score(f"player-{index}")

        *scored, deleted = at_once(4, act)

        n_scored = sum(answer.status_code == 201 for answer in scored)
        assert Score.objects.filter(task_id=task.pk).count() == n_scored
        assert deleted.status_code == (409 if n_scored else 200), deleted.content
        assert {answer.status_code for answer in scored} <= {201, 404, 409}
        assert Task.objects.filter(pk=task.pk, status="open").exists() == bool(n_scored)
        assert PlayerGameStats.objects.filter(game_id=world.game.pk).count() == n_scored


def test_a_deletion_does_not_wait_for_ever(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.task("t1")
    monkeypatch.setattr(games, "_in_flight", lambda: {"1/1"})
    monkeypatch.setattr("django.conf.settings.SCORING_BATCH_DEADLINE_SECONDS", -0.9)
    monkeypatch.setattr("django.conf.settings.SCORING_DEADLINE_SECONDS", -0.9)

    answer = delete_task(world)

    assert code(answer) == (503, "DATABASE_BUSY")
    assert answer.headers["Retry-After"] == "1"
    assert Task.objects.get().status == "open"
