"""A score is taken back once, and every sum is right afterwards."""

from decimal import Decimal
from typing import Any

from strategies.models import PlayerGameStats, PlayerTaskStats, Score, TaskStats
from strategies.tests.conftest import FIRST_TIME_BONUS, World, data_program
from strategies.tests.test_concurrency import own_client
from strategies.tests.threads import at_once


def reverse(world: World, score_id: str, reason: str = "a mistake") -> Any:
    return world.post(f"/scores/{score_id}/reversal", {"reason": reason})


def sums() -> set[Decimal]:
    """Every sum there is, of one player on one task."""
    return {
        PlayerGameStats.objects.get().points_total,
        PlayerTaskStats.objects.get().points_total,
        sum(TaskStats.objects.values_list("points_total", flat=True), start=Decimal(0)),
    }


def test_a_reversal_takes_the_points_out_of_every_sum(world: World) -> None:
    world.task("t1", world.strategy("Minutes", data_program()))
    first = world.score(data={"minutes": 2.5}).json()
    world.score(data={"minutes": 4})

    answer = reverse(world, first["scoreId"])

    assert answer.status_code == 201
    reversal = answer.json()
    assert (reversal["points"], reversal["outcome"], reversal["reverses"]) == (
        -2.5,
        "reversal",
        first["scoreId"],
    )
    assert sums() == {Decimal(4)}
    assert world.get("/users/ana/points").json()["points"] == 4
    assert PlayerTaskStats.objects.get().n_scores == 2, "the event did happen"
    explained = world.get(f"/scores/{first['scoreId']}/explain").json()
    assert explained["reproduced"] is True
    assert "a mistake" in explained["sentences"][-1]
    explained = world.get(f"/scores/{reversal['scoreId']}/explain").json()
    assert explained["reproduced"] is True
    assert first["scoreId"] in explained["sentences"][0]


def test_a_second_reversal_and_the_reversal_of_a_reversal_are_conflicts(world: World) -> None:
    world.task("t1")
    score_id = world.score().json()["scoreId"]
    reversal_id = reverse(world, score_id).json()["scoreId"]

    again = reverse(world, score_id)
    of_reversal = reverse(world, reversal_id)

    assert (again.status_code, again.json()["error"]["code"]) == (409, "SCORE_REVERSED")
    assert again.json()["error"]["params"] == {"scoreId": reversal_id}
    assert (of_reversal.status_code, of_reversal.json()["error"]["code"]) == (409, "SCORE_IS_REVERSAL")
    assert Score.objects.count() == 2


def test_sixteen_reversals_at_once_reverse_once(world: World) -> None:
    world.task("t1", world.strategy("Minutes", data_program()))
    score_id = world.score(data={"minutes": 3}).json()["scoreId"]

    answers = at_once(16, lambda _: reverse(own_client(world), score_id).status_code)

    assert sorted(answers) == [201] + [409] * 15
    assert sums() == {Decimal(0)}


def test_a_reversed_score_still_counts_as_history(world: World) -> None:
    strategy = world.strategy("First time", FIRST_TIME_BONUS)
    world.task("t1", strategy)
    score_id = world.score().json()["scoreId"]
    reverse(world, score_id)

    simulated = world.post(
        "/strategies/custom/default/simulate",
        {"externalGameId": "g1", "externalTaskId": "t1", "externalUserId": "ana"},
    ).json()

    assert simulated["facts"]["user.measurements_count"] == 1


def test_reversing_a_test_score_changes_no_sum(world: World) -> None:
    world.task("t1", world.strategy("Minutes", data_program()))
    test_score = world.score(data={"minutes": 100}, isTest=True).json()
    world.score(data={"minutes": 1})

    assert reverse(world, test_score["scoreId"]).json()["isTest"] is True
    assert sums() == {Decimal(1)}


def test_a_reversal_needs_a_reason_and_a_score_of_the_realm(world: World, other_world: World) -> None:
    other_world.task("t1")
    theirs = other_world.score().json()["scoreId"]

    assert reverse(world, theirs).status_code == 404
    for reason in ("", "\0", "x" * 501):
        assert reverse(other_world, theirs, reason).status_code == 400
    assert other_world.post(f"/scores/{theirs}/reversal", {}).status_code == 400
    assert Score.objects.count() == 1
