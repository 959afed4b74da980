"""The same key with the same event: the stored score, as stored. With another: 409."""

from datetime import timedelta

import pytest
import time_machine

from gameproject.lib import clock
from strategies.models import Score, Task
from strategies.tests.conftest import World, constant_program


def test_a_retry_gets_the_stored_score(world: World) -> None:
    world.task("t1", world.strategy("Five", constant_program(5)))

    first = world.score(key="k1", data={"a": 1, "b": [1, 2]})
    again = world.score(key="k1", data={"b": [1, 2], "a": 1})

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json() == first.json() | {"replayed": True}
    assert Score.objects.count() == 1


@pytest.mark.parametrize(
    "other",
    [
        {"data": {"a": 2}},
        {"user": "ben"},
        {"isTest": True},
        {"sessionKey": "s"},
        {"occurredAt": "now"},
        {"task": "t2"},
    ],
)
def test_the_same_key_with_another_event_is_a_conflict(world: World, other: dict[str, object]) -> None:
    if "occurredAt" in other:
        other["occurredAt"] = clock.iso(clock.now())
    world.task("t1")
    world.task("t2")
    first = world.score(key="k1", data={"a": 1})

    refused = world.score(**{"key": "k1", "data": {"a": 1}, **other})  # type: ignore[arg-type]  # a table of bodies

    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "IDEMPOTENCY_KEY_REUSED"
    assert refused.json()["error"]["params"] == {"scoreId": first.json()["scoreId"]}
    assert Score.objects.count() == 1


def test_without_a_key_nothing_is_deduplicated_not_even_by_request_id(world: World) -> None:
    world.task("t1")

    for _ in range(2):
        path = f"/games/{world.game.external_id}/tasks/t1/points"
        assert world.post(path, {"externalUserId": "ana"}, x_request_id="same").status_code == 201

    assert Score.objects.count() == 2


def test_a_retry_is_answered_though_the_task_was_closed_since(world: World) -> None:
    world.task("t1")
    first = world.score(key="k1")
    Task.objects.update(status="closed")

    again = world.score(key="k1")

    assert again.status_code == 200
    assert again.json() == first.json() | {"replayed": True}
    assert world.score(key="k2").status_code == 409


def test_a_retry_is_answered_though_its_time_is_too_old_by_now(world: World) -> None:
    world.task("t1")
    at = clock.iso(clock.now() - timedelta(days=29))
    assert world.score(key="k1", occurredAt=at).status_code == 201

    with time_machine.travel(clock.now() + timedelta(days=3), tick=True):
        assert world.score(key="k1", occurredAt=at).status_code == 200
        assert world.score(key="k2", occurredAt=at).status_code == 400


def test_realms_do_not_share_keys(world: World, other_world: World) -> None:
    world.task("t1")
    other_world.task("t1")

    assert world.score(key="k1").status_code == 201
    assert other_world.score(key="k1").status_code == 201


@pytest.mark.parametrize("key", [" ", "a\tb", "ä", "x" * 201, " padded "])
def test_an_unprintable_key_is_refused(world: World, key: str) -> None:
    world.task("t1")

    refused = world.score(key=key)

    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "IDEMPOTENCY_KEY_INVALID")
