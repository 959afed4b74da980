"""Why a score is what it is: reproduced from what was frozen with it, or said not to be."""

import random
from collections.abc import Callable

import pytest

from strategies import dsl, publishing
from strategies.models import Game, Score, Strategy, Task
from strategies.tests.conftest import World, data_program


def example_strategies(world: World) -> list[Strategy]:
    builtin = {strategy.slug: strategy for strategy in Strategy.objects.filter(realm=None)}
    made = [
        world.strategy(shipped.name, shipped.source, parent=builtin.get(shipped.parent or ""))
        for shipped in dsl.example_programs().values()
    ]
    return [*builtin.values(), *made]


def random_event(random_: random.Random) -> dict[str, object]:
    data = {
        "priority_zone": random_.choice([0, 1, "1", None, True]),
        "streak_days": random_.choice([0, 2, 3, 8, 2.5]),
        "minutes": random_.choice([-0.0, 0, 1e-7, 1e15, 0.1 + 0.2, -3.75, 12]),
        "nested": [{"ü": [None, -0.0, 1e-300]}],
    }
    return {key: value for key, value in data.items() if random_.random() < 0.8}


def test_a_thousand_random_scores_are_all_reproduced(world: World) -> None:
    random_ = random.Random(7)
    strategies = [*example_strategies(world), world.strategy("Minutes", data_program())]
    tasks = [world.task(f"t{n}", strategy) for n, strategy in enumerate(strategies)]
    ids: list[str] = []
    while len(ids) < 1000:
        if len(ids) % 100 == 50:
            override_and_republish(world, random_)
        task = random_.choice(tasks).external_id
        answer = world.score(f"player-{random_.randrange(30)}", task, data=random_event(random_))
        if answer.status_code == 201:
            ids.append(answer.json()["scoreId"])
        else:
            assert answer.status_code == 422, answer.content
    explained = [world.get(f"/scores/{score_id}/explain").json() for score_id in ids]

    assert sum(each["reproduced"] for each in explained) == 1000
    assert {each["score"]["outcome"] for each in explained} >= {"award", "no_award"}
    assert len({each["score"]["version"] for each in explained}) > 2


def override_and_republish(world: World, random_: random.Random) -> None:
    Game.objects.filter(pk=world.game.pk).update(
        variables={"variable_basic_points": random_.randint(1, 50), "variable_bonus_points": 2.5}
    )
    Task.objects.filter(external_id="t0").update(variables={"variable_basic_points": random_.randint(51, 99)})
    strategy = Strategy.objects.filter(realm=world.realm, parent=None).order_by("?")[0]
    program = strategy.versions.latest("number").program
    publishing.edit_strategy(strategy=strategy, program={**program, "id": f"edit {random_.random()}"})
    publishing.publish_strategy(strategy=strategy)


@pytest.mark.parametrize(
    "altered", ["facts", "data", "variables", "points", "case_name", "outcome", "bonuses"]
)
def test_an_altered_score_is_not_reproduced(world: World, tamper: Callable[..., None], altered: str) -> None:
    world.task("t1")
    for _ in range(4):
        score_id = world.score(data={"minutes": 12}).json()["scoreId"]
    assert world.get(f"/scores/{score_id}/explain").json()["reproduced"] is True
    score = Score.objects.get(pk=score_id)
    changed = {
        "facts": {**score.facts, "user.measurements_count": 4},
        "data": {"minutes": 12.5},
        "variables": {**score.variables, "variable_bonus_points": 11},
        "points": 1000,
        "case_name": "Other",
        "outcome": "veto",
        "bonuses": [["Gift", 1]],
    }

    tamper(score_id, **{altered: changed[altered]})

    assert world.get(f"/scores/{score_id}/explain").json()["reproduced"] is False


def test_an_explanation_says_it_in_a_sentence(world: World) -> None:
    world.task("t1")
    score_id = world.score().json()["scoreId"]

    explained = world.get(f"/scores/{score_id}/explain").json()

    assert explained["facts"]["task.measurements_count"] == 0
    assert "1 point" in explained["sentences"][0]
    assert "BasicEngagement" in explained["sentences"][0]
    assert explained["rules"][0]["held"] is True
    assert explained["trace"]
    assert explained["program"]["type"] == "program"
