"""An event comes in, points go out, and the running figures follow."""

from datetime import timedelta
from decimal import Decimal

import pytest

from gameproject.lib import clock
from strategies.models import Player, PlayerGameStats, PlayerTaskStats, Score, Task, TaskStats
from strategies.models.games import TaskStatus
from strategies.tests.conftest import World, constant_program, data_program


def test_a_score_is_answered_with_all_that_is_known_of_it(world: World) -> None:
    world.task("t1")

    response = world.score(data={"minutes": 12})

    assert response.status_code == 201
    answer = response.json()
    assert answer | {"scoreId": None, "createdAt": None, "requestId": None} == {
        "scoreId": None,
        "points": 1,
        "caseName": "BasicEngagement",
        "callbackData": {},
        "bonuses": [],
        "outcome": "award",
        "strategy": "default",
        "version": 1,
        "alias": "production",
        "experiment": None,
        "fallback": None,
        "replayed": False,
        "isTest": False,
        "createdAt": None,
        "requestId": None,
        "gameId": str(world.game.pk),
        "externalTaskId": "t1",
        "externalUserId": "ana",
        "isACreatedUser": True,
        "reverses": None,
    }
    assert answer["requestId"] == response.headers["X-Request-ID"]
    assert world.get(f"/scores/{answer['scoreId']}").json() == answer


def test_running_figures_equal_the_ledger(world: World) -> None:
    strategy = world.strategy("Minutes", data_program())
    world.task("t1", strategy)
    world.task("t2", strategy)

    for user, task, minutes in [("ana", "t1", 1.5), ("ana", "t2", 2), ("ben", "t1", -4), ("ana", "t1", 0.25)]:
        assert world.score(user, task, data={"minutes": minutes}).status_code == 201

    ana = Player.objects.get(external_id="ana")
    assert PlayerGameStats.objects.get(player=ana).points_total == Decimal("3.75")
    on_t1 = PlayerTaskStats.objects.get(player=ana, task__external_id="t1")
    times = list(Score.objects.filter(player=ana, task__external_id="t1").order_by("created_at"))
    assert (on_t1.n_scores, on_t1.n_awards, on_t1.points_total) == (2, 2, Decimal("1.75"))
    assert [on_t1.first_at, on_t1.previous_at, on_t1.last_at] == [
        times[0].created_at,
        times[0].created_at,
        times[1].created_at,
    ]
    slots = TaskStats.objects.filter(task__external_id="t1")
    assert sum(slot.n_scores for slot in slots) == 3
    assert sum(slot.points_total for slot in slots) == Decimal("-2.25")


def test_no_award_is_an_ordinary_answer(world: World) -> None:
    world.task("t1", world.strategy("Nothing", {"type": "program", "rules": []}))

    answer = world.score()

    assert answer.status_code == 201
    assert (answer.json()["points"], answer.json()["caseName"], answer.json()["outcome"]) == (
        0,
        None,
        "no_award",
    )
    assert PlayerTaskStats.objects.get().n_scores == 1


def test_a_test_score_is_kept_but_counts_in_nobodys_history(world: World) -> None:
    world.task("t1", world.strategy("Five", constant_program(5)))

    assert world.score(isTest=True).json()["isTest"] is True

    assert Score.objects.count() == 1
    assert not PlayerTaskStats.objects.exists()
    assert PlayerGameStats.objects.get().points_total == 0


def test_a_failed_run_stores_nothing_and_names_its_node(world: World) -> None:
    program = constant_program(1)
    program["default"] = {
        "type": "assign_points",
        "case_name": "Never",
        "value": {
            "type": "arith",
            "id": "the-division",
            "op": "/",
            "left": {"type": "literal", "value": 1},
            "right": {"type": "field", "path": "data.zero"},
        },
    }
    world.task("t1", world.strategy("Broken", program))

    failed = world.score(key="k1", data={"zero": 0})

    assert failed.status_code == 422
    error = failed.json()["error"]
    assert error["code"] == "DSL_ARITH_DIV_BY_ZERO"
    assert error["params"]["nodeId"] == "the-division"
    assert error["params"]["path"] == "default/value"
    assert not Score.objects.exists()
    assert not Player.objects.exists()
    assert world.score(key="k1", data={"zero": 2}).status_code == 201, "nothing was stored under its key"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"status": TaskStatus.CLOSED}, "TASK_CLOSED"),
    ],
)
def test_a_closed_task_is_refused_until_it_is_open_again(
    world: World, change: dict[str, str], code: str
) -> None:
    task = world.task("t1")
    assert world.score().status_code == 201

    Task.objects.filter(pk=task.pk).update(**change)
    refused = world.score()
    Task.objects.filter(pk=task.pk).update(status=TaskStatus.OPEN)

    assert (refused.status_code, refused.json()["error"]["code"]) == (409, code)
    assert world.score().status_code == 201


def test_a_draft_never_scores(world: World) -> None:
    created = world.post(
        "/strategies/custom", {"name": "Draft", "type": "FULL", "astJson": constant_program(1)}
    )
    assert created.status_code == 201
    world.post(f"/games/{world.game.external_id}/tasks", {"externalTaskId": "t1", "strategyId": "draft"})

    refused = world.score()

    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "STRATEGY_NOT_PUBLISHED")


def test_points_are_written_as_plain_json_numbers(world: World) -> None:
    world.task("t1", world.strategy("Minutes", data_program()))

    texts = [world.score(data={"minutes": minutes}).content.decode() for minutes in (5, 5.0, 5.5, 0.1 + 0.2)]

    assert ['"points":5,' in texts[0], '"points":5,' in texts[1]] == [True, True]
    assert '"points":5.5,' in texts[2]
    assert '"points":0.3,' in texts[3], "rounded to 6 decimals"


def test_games_and_tasks_may_be_named_by_uuid(world: World) -> None:
    task = world.task("t1")

    answer = world.post(f"/games/{world.game.pk}/tasks/{task.pk}/points", {"externalUserId": "ana"})

    assert answer.status_code == 201
    assert answer.json()["externalTaskId"] == "t1"


def test_masked_data_is_stored_hashed_and_explained_all_the_same(world: World) -> None:
    world.realm.masked_data_keys = ["email"]
    world.realm.save()
    world.task("t1", world.strategy("Minutes", data_program()))

    answer = world.score(data={"minutes": 3, "email": "ana@example.org"}).json()

    stored = Score.objects.get().data
    assert stored["minutes"] == 3
    assert stored["email"].startswith("sha256:")
    assert world.get(f"/scores/{answer['scoreId']}/explain").json()["reproduced"] is True


def test_a_masked_key_that_the_program_reads_cannot_be_published(world: World) -> None:
    world.realm.masked_data_keys = ["minutes"]
    world.realm.save()

    refused = world.post("/strategies/custom", {"name": "M", "type": "FULL", "astJson": data_program()})

    assert refused.status_code == 422
    assert refused.json()["error"]["problems"][0]["code"] == "DSL_MASKED_FIELD"


def test_overridden_variables_score_and_are_frozen(world: World) -> None:
    created = world.post(
        f"/games/{world.game.external_id}/tasks",
        {"externalTaskId": "t1", "variables": {"variable_basic_points": 7}},
    )
    assert created.status_code == 201

    answer = world.score().json()

    assert answer["points"] == 7
    assert Score.objects.get().variables["variable_basic_points"] == 7


def test_occurred_at_feeds_event_facts_but_not_history(world: World) -> None:
    weekend = {
        "type": "program",
        "rules": [],
        "default": {
            "type": "assign_points",
            "value": {"type": "field", "path": "event.weekday"},
            "case_name": "Day",
        },
    }
    world.task("t1", world.strategy("Weekday", weekend))
    when = clock.now() - timedelta(days=2)

    answer = world.score(occurredAt=when.isoformat())

    assert answer.json()["points"] == when.weekday()
    assert Score.objects.get().created_at > when + timedelta(days=1)


def test_any_offset_of_a_time_is_taken_and_the_moment_is_kept(world: World) -> None:
    world.task("t1")
    at = clock.now().replace(microsecond=0)
    told = (at + timedelta(hours=17, minutes=58)).strftime("%Y-%m-%dT%H:%M:%S+17:58")
    event = {"gameId": "g1", "externalTaskId": "t1", "externalUserId": "ana", "occurredAt": told}

    single = world.score(occurredAt=told)
    batch = world.post("/scores/batch", {"events": [event]})

    assert (single.status_code, batch.json()["results"][0]["status"]) == (201, 201)
    assert set(Score.objects.values_list("occurred_at", flat=True)) == {at}
