"""Actions of players: recorded once, unscored, and their realm's own."""

from typing import Any

import pytest

from strategies.models import Player, PlayerAction, Score
from strategies.tests.conftest import World, constant_program

LOOK = {"typeAction": "look", "description": "at the map", "data": {"zoom": 3}}


@pytest.fixture
def play(world: World) -> World:
    world.task("t1", world.strategy("One", constant_program(1)))
    return world


def on_task(world: World, key: str | None = None, **body: Any) -> Any:
    headers = {"idempotency_key": key} if key else {}
    return world.post("/games/g1/tasks/t1/action", {"externalUserId": "ana", **LOOK, **body}, **headers)


def test_an_action_on_a_task_is_recorded_and_not_scored(play: World) -> None:
    answer = on_task(play)

    assert answer.status_code == 201
    found = answer.json()
    assert (found["typeAction"], found["data"], found["externalUserId"]) == ("look", {"zoom": 3}, "ana")
    assert (found["gameId"], found["externalTaskId"], found["replayed"]) == (str(play.game.pk), "t1", False)
    row = PlayerAction.objects.get(pk=found["actionId"])
    assert (row.request_id, row.description) == (found["requestId"], "at the map")
    assert not Score.objects.exists()
    assert Player.objects.get().external_id == "ana"


def test_an_action_on_no_task(play: World) -> None:
    found = play.post("/users/ana/actions", {"typeAction": "look"}).json()
    assert (found["gameId"], found["externalTaskId"], found["data"]) == (None, None, {})


def test_the_same_key_is_the_same_action(play: World) -> None:
    first, again = on_task(play, key="k1"), on_task(play, key="k1")

    assert (again.status_code, again.json()["replayed"]) == (200, True)
    assert again.json()["actionId"] == first.json()["actionId"]
    assert PlayerAction.objects.count() == 1


def test_a_key_of_another_action_is_refused(play: World) -> None:
    on_task(play, key="k1")
    refused = on_task(play, key="k1", typeAction="jump")
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")


def test_masked_data_is_stored_as_its_hash(play: World) -> None:
    play.realm.masked_data_keys = ["zoom"]
    play.realm.save()
    assert on_task(play).json()["data"]["zoom"].startswith("sha256:")


def test_a_closed_task_takes_no_action(play: World) -> None:
    play.request("PATCH", "/games/g1/tasks/t1", {"status": "closed"})
    refused = on_task(play)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "TASK_CLOSED")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"typeAction": ""}, 400, "BODY_INVALID"),
        ({"data": {"a": "x" * 17_000}}, 413, "DATA_TOO_LARGE"),
        ({"data": {"a": 1e16}}, 400, "DSL_NUMBER_RANGE"),
        ({"data": {"a": "\0"}}, 400, "VALUE_INVALID"),
    ],
    ids=str,
)
def test_what_cannot_be_stored_is_refused(play: World, body: dict[str, Any], status: int, code: str) -> None:
    refused = on_task(play, **body)
    assert (refused.status_code, refused.json()["error"]["code"]) == (status, code)
    assert not PlayerAction.objects.exists()


def test_a_user_that_cannot_be_one_is_not_there(play: World) -> None:
    refused = play.post(f"/users/{'x' * 201}/actions", {"typeAction": "look"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "PLAYER_NOT_FOUND")


def test_another_realms_game_is_not_there(play: World, other_world: World) -> None:
    path = f"/games/{play.game.pk}/tasks/t1/action"
    refused = other_world.post(path, {"externalUserId": "ana", **LOOK})
    assert (refused.status_code, refused.json()["error"]["code"]) == (404, "GAME_NOT_FOUND")
