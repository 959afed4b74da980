"""A change of the configuration acts on every request that begins after it, whatever is cached."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from django.db import connection

from gameproject.lib import clock
from strategies import publishing
from strategies.models import Alias, ApiKey, Game, Realm, Strategy, Task
from strategies.tests.conftest import World, constant_program


def epoch(world: World) -> int:
    return Realm.objects.get(pk=world.realm.pk).config_epoch


CHANGES: dict[str, Callable[[World], object]] = {
    "key": lambda world: ApiKey.objects.update(name="other"),
    "key deleted": lambda world: ApiKey.objects.all().delete(),
    "game": lambda world: Game.objects.filter(pk=world.game.pk).update(platform="other"),
    "task": lambda world: Task.objects.update(status="closed"),
    "task deleted": lambda world: Task.objects.all().delete(),
    "strategy": lambda world: Strategy.objects.filter(realm=world.realm).update(archived_at=clock.now()),
    "built-in strategy": lambda world: Strategy.objects.filter(realm=None).update(archived_at=clock.now()),
    "alias": lambda world: Alias.objects.filter(strategy__realm=world.realm).update(name="other"),
    "alias of a built-in": lambda world: Alias.objects.filter(strategy__realm=None).update(name="other"),
    "alias deleted": lambda world: Alias.objects.filter(strategy__realm=world.realm).delete(),
    "time zone": lambda world: Realm.objects.filter(pk=world.realm.pk).update(time_zone="Europe/Vienna"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_every_change_raises_the_epoch(world: World, change: str) -> None:
    world.task("t1", world.strategy("Five", constant_program(5)))
    before = epoch(world)

    CHANGES[change](world)

    assert epoch(world) > before


def test_a_change_in_one_realm_leaves_the_other_alone(world: World, other_world: World) -> None:
    before = epoch(other_world)
    ApiKey.objects.filter(realm=world.realm).update(name="other")
    assert epoch(other_world) == before


def test_saving_an_old_copy_of_a_realm_does_not_turn_its_epoch_back(world: World) -> None:
    stale = Realm.objects.get(pk=world.realm.pk)
    ApiKey.objects.update(name="other")
    raised = epoch(world)

    stale.name = "New name"
    stale.save()

    assert epoch(world) == raised


def test_scores_do_not_raise_it(world: World) -> None:
    world.task("t1")
    before = epoch(world)
    world.score()
    assert epoch(world) == before


def test_the_first_request_after_publishing_is_scored_by_the_new_version(world: World) -> None:
    strategy = world.strategy("Points", constant_program(1))
    world.task("t1", strategy)
    assert world.score().json()["points"] == 1

    for points in (2, 3, 4):
        publishing.edit_strategy(strategy=strategy, program=constant_program(points))
        assert world.score().json()["points"] == points - 1, "a draft changes nothing"
        publishing.publish_strategy(strategy=strategy)
        answer = world.score().json()
        assert (answer["points"], answer["version"]) == (points, points)


def test_archiving_stops_the_next_request(world: World) -> None:
    strategy = world.strategy("Five", constant_program(5))
    world.task("t1", strategy)
    assert world.score().status_code == 201

    publishing.archive_strategy(strategy=strategy, force=True)

    refused = world.score()
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "STRATEGY_ARCHIVED")


def test_revoking_a_key_stops_the_next_request(world: World) -> None:
    world.task("t1")
    assert world.score().status_code == 201

    ApiKey.objects.update(revoked_at=clock.now())

    assert world.score().status_code == 401


def test_an_expired_key_stops_by_itself(world: World) -> None:
    world.task("t1")
    ApiKey.objects.update(expires_at=clock.now() + timedelta(days=1))
    assert world.score().status_code == 201

    with time_machine.travel(clock.now() + timedelta(days=2), tick=True):
        assert world.score().status_code == 401


def test_a_rolled_back_change_changes_nothing(world: World) -> None:
    world.task("t1")
    before = epoch(world)
    connection.set_autocommit(False)
    ApiKey.objects.update(revoked_at=clock.now())
    connection.rollback()
    connection.set_autocommit(True)

    assert epoch(world) == before
    assert world.score().status_code == 201
