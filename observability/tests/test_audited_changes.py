"""Whatever changes strategies, games, keys and realms leaves one audit row, in the transaction of the change."""

from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.db import transaction

from gameproject.lib import request_context
from gameproject.lib.ids import uuid7
from observability.models import Logs
from observability.tests.audited import only, written_by
from strategies import dsl, games, importing, keys, publishing, realms, reversing
from strategies.changes import subject_of
from strategies.models import Game, Realm, Score, Strategy
from strategies.models.tenancy import Scope
from strategies.tests.conftest import World, constant_program


def default() -> Strategy:
    return Strategy.objects.get(realm=None, slug="default")


def drafted(world: World) -> Strategy:
    version = publishing.create_strategy(
        realm=world.realm,
        name="Fast start",
        description="",
        kind=dsl.Kind.FULL,
        parent=None,
        program=constant_program(1),
    )
    return version.strategy


def published(world: World) -> Strategy:
    strategy = drafted(world)
    publishing.publish_strategy(strategy=strategy)
    publishing.edit_strategy(strategy=strategy, program=constant_program(2))
    publishing.publish_strategy(strategy=strategy)
    return strategy


def clone(world: World) -> Callable[[], object]:
    version = published(world).versions.get(number=1)
    return lambda: publishing.clone_strategy(realm=world.realm, version=version)


def edit(world: World) -> Callable[[], object]:
    strategy = drafted(world)
    return lambda: publishing.edit_strategy(strategy=strategy, program=constant_program(3), name="Faster")


def publish(world: World) -> Callable[[], object]:
    strategy = drafted(world)
    return lambda: publishing.publish_strategy(strategy=strategy)


def roll_back(world: World) -> Callable[[], object]:
    strategy = published(world)
    return lambda: publishing.roll_back_strategy(strategy=strategy, number=1)


def archive(world: World) -> Callable[[], object]:
    strategy = published(world)
    return lambda: publishing.archive_strategy(strategy=strategy)


def import_new(world: World) -> Callable[[], object]:
    document = importing.Document(name="Imported", type="DSL_FULL", program=constant_program(1))
    return lambda: importing.import_strategy(
        realm=world.realm, document=document, on_conflict=importing.OnConflict.EDIT
    )


def import_over(world: World) -> Callable[[], object]:
    drafted(world)
    document = importing.Document(name="Fast start", type="DSL_FULL", program=constant_program(7))
    return lambda: importing.import_strategy(
        realm=world.realm, document=document, on_conflict=importing.OnConflict.EDIT
    )


def create_key(world: World) -> Callable[[], object]:
    return lambda: keys.create_api_key(realm=world.realm, name="app", scopes=[Scope.SCORE])


def change_key(world: World) -> Callable[[], object]:
    row, _key = keys.create_api_key(realm=world.realm, name="app", scopes=[Scope.SCORE])
    row.key_rate = 5
    return lambda: keys.change_api_key(row)


def revoke_key(world: World) -> Callable[[], object]:
    row, _key = keys.create_api_key(realm=world.realm, name="app", scopes=[Scope.SCORE])
    return lambda: keys.revoke_api_key(realm_id=world.realm.pk, prefix=row.prefix)


def create_game(world: World) -> Callable[[], object]:
    return lambda: games.create_game(
        realm=world.realm,
        external_id="g2",
        platform="p",
        strategy=default(),
        time_zone=None,
        variables={},
        params=[],
    )


def create_task(world: World) -> Callable[[], object]:
    return lambda: games.create_task(
        game=world.game, external_id="t1", strategy=None, variables={}, params=[]
    )


def create_tasks(world: World) -> Callable[[], object]:
    tasks = [
        games.new_task(game=world.game, external_id=f"t{n}", strategy=None, variables={}, params=[])
        for n in range(3)
    ]
    return lambda: games.create_tasks(game=world.game, tasks=tasks)


def change_game(world: World) -> Callable[[], object]:
    return lambda: games.change_game(game=world.game, changes={"platform": "web"})


def change_task(world: World) -> Callable[[], object]:
    task = world.task("t1")
    return lambda: games.change_task(task=task, changes={"status": "closed"})


def fill_game(world: World) -> Callable[[], object]:
    world.game.platform = "by hand"
    return lambda: games.store_filled(world.game)


def delete_game(world: World) -> Callable[[], object]:
    world.task("t1")
    return lambda: games.delete_game(game=Game.objects.get(pk=world.game.pk))


def delete_task(world: World) -> Callable[[], object]:
    task = world.task("t1")
    return lambda: games.delete_task(task=task)


def create_realm(_world: World) -> Callable[[], object]:
    return lambda: realms.create_realm(Realm(slug="new", name="New"))


def change_realm(world: World) -> Callable[[], object]:
    world.realm.masked_data_keys = ["email"]
    return lambda: realms.change_realm(world.realm)


def reverse(world: World) -> Callable[[], object]:
    world.task("t1")
    world.score()
    score = Score.objects.get()
    return lambda: reversing.reverse_score(score=score, reason="Twice.", request_id=str(uuid7()))


def make_demo(_world: World) -> Callable[[], object]:
    return lambda: call_command("demo_data", "--json")


CHANGES = {
    clone: "strategy.cloned",
    edit: "strategy.edited",
    publish: "strategy.published",
    roll_back: "strategy.rolled_back",
    archive: "strategy.archived",
    import_new: "strategy.imported",
    import_over: "strategy.imported",
    create_key: "key.created",
    change_key: "key.changed",
    revoke_key: "key.revoked",
    create_game: "game.created",
    create_task: "task.created",
    create_tasks: "tasks.created",
    change_game: "game.changed",
    change_task: "task.changed",
    fill_game: "game.changed",
    delete_game: "game.deleted",
    delete_task: "task.deleted",
    create_realm: "realm.created",
    change_realm: "realm.changed",
    reverse: "score.reversed",
    make_demo: "demo.made",
}


@pytest.mark.parametrize("prepare", CHANGES, ids=lambda prepare: prepare.__name__)
def test_each_change_leaves_one_row(world: World, prepare: Callable[[World], Callable[[], object]]) -> None:
    row = only(prepare(world))
    assert row.event == CHANGES[prepare]
    assert row.realm_id is not None
    assert ":" in row.subject


@pytest.mark.parametrize(
    "prepare", CHANGES.keys() - {delete_game, delete_task}, ids=lambda prepare: prepare.__name__
)
def test_a_change_that_is_rolled_back_leaves_none(
    world: World, prepare: Callable[[World], Callable[[], object]]
) -> None:
    change = prepare(world)

    def fail_late() -> None:
        with transaction.atomic():
            change()
            transaction.set_rollback(True)

    assert written_by(fail_late) == []


def test_no_change_without_its_row(world: World, settings: pytest.FixtureRequest) -> None:
    settings.CHANGE_RECORDERS = ["observability.tests.audited.refuse"]  # type: ignore[attr-defined]  # pytest-django's
    with pytest.raises(ZeroDivisionError):
        games.change_game(game=world.game, changes={"platform": "web"})
    assert Game.objects.get().platform == "test"


def test_what_changes_nothing_leaves_nothing(world: World) -> None:
    strategy = published(world)
    publishing.archive_strategy(strategy=strategy)
    assert written_by(lambda: publishing.archive_strategy(strategy=strategy)) == []
    assert written_by(lambda: games.change_game(game=world.game, changes={"platform": "test"})) == []


def test_publishing_says_which_version_took_which_ones_place(world: World) -> None:
    strategy = published(world)
    row = only(lambda: publishing.roll_back_strategy(strategy=strategy, number=1))
    first, second = strategy.versions.order_by("number")
    assert row.details == {
        "before": {"alias": "production", "version": 2, "digest": second.digest},
        "after": {"alias": "production", "version": 1, "digest": first.digest},
    }
    assert row.subject == subject_of(strategy)


def test_a_deleted_task_is_kept_as_it_was(world: World) -> None:
    task = world.task("t1", variables={})
    row = only(lambda: games.delete_task(task=task))
    before = row.details["before"]
    assert isinstance(before, dict)
    assert (before["external_id"], before["game"], before["status"]) == ("t1", "g1", "closed")


def test_a_request_by_key_is_found_in_its_row(world: World) -> None:
    body = {"name": "app", "scopes": ["score"]}
    (row,) = written_by(lambda: world.post("/keys", body, x_request_id="find-me"))
    assert (row.request_id, row.api_key) == ("find-me", world.key.split(".")[0])
    assert "secret" not in row.details_json


def test_a_command_is_named_in_its_row(world: World) -> None:
    request_context.begin(command="create_api_key")
    try:
        row = only(lambda: call_command("create_api_key", "acme"))
    finally:
        request_context.begin()
    assert (row.event, row.command, row.actor) == (
        "key.created",
        "create_api_key",
        "manage.py create_api_key",
    )


def test_scores_players_and_outcomes_are_no_audit_rows(world: World) -> None:
    world.task("t1")
    assert written_by(world.score) == []
    assert Logs.objects.filter(event="score.reversed").count() == 0
