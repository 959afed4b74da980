"""Trying a program in the admin: what it says, what it takes, and that nothing is stored."""

import json
from typing import Any

import pytest
from django.test import Client

from strategies import publishing
from strategies.models import Player, Score, Strategy
from strategies.tests.conftest import FIRST_TIME_BONUS, World, constant_program, data_program
from strategies.tests.test_admin_strategies import auditor, author, text_of, url

__all__ = ["auditor", "author"]


@pytest.fixture
def strategy(world: World) -> Strategy:
    made = world.strategy("Minutes", data_program())
    world.task("t1", made)
    return made


def event(**fields: object) -> dict[str, object]:
    return {"do": "simulate", "game": "g1", "task": "t1", "player": "ana", **fields}


def simulate(client: Client, strategy: Strategy, **fields: object) -> Any:
    return client.post(url("version", strategy, number=1), event(**fields))


def test_an_auditor_tries_a_stored_version_and_nothing_is_stored(auditor: Client, strategy: Strategy) -> None:
    page = simulate(auditor, strategy, event='{"minutes": 12}')

    assert page.context["panel"].run.attempt.outcome.points == 12
    for said in ("12 points", "Counted", "data.minutes"):
        assert said in text_of(page)
    assert (Player.objects.count(), Score.objects.count()) == (0, 0)


def test_text_that_is_not_saved_is_tried_as_it_stands(author: Client, strategy: Strategy) -> None:
    typed = json.dumps(constant_program(33))

    page = author.post(url("edit", strategy), event(program=typed, base="old", name="x"))

    assert "33 points" in text_of(page)
    assert page.context["form"]["program"].value() == typed
    assert strategy.versions.count() == 1


def test_a_failing_run_shows_the_node_and_the_code(auditor: Client, strategy: Strategy) -> None:
    page = text_of(simulate(auditor, strategy, event='{"minutes": "many"}'))

    assert "DSL_ASSIGN_POINTS_NOT_NUMBER" in page
    assert "/default" in page
    assert "is-failed" in page


def test_what_a_failed_run_began_is_open_down_to_the_failing_node(author: Client, world: World) -> None:
    halves = {"type": "arith", "op": "/", "left": {"type": "literal", "value": 1}}
    program = constant_program(1)
    program["default"] = {
        "type": "assign_points",
        "value": {**halves, "right": {"type": "field", "path": "data.n"}},
        "case_name": "Half",
    }
    strategy = world.strategy("Halves", program)
    world.task("t1", strategy)

    leaf = simulate(author, strategy, event='{"n": 0}').context["panel"].run.tree
    states = []
    while leaf:
        states.append((leaf["type"], leaf["state"]))
        leaf = next(iter(leaf["children"]), None)

    assert states[:3] == [("program", "evaluated"), ("assign_points", "evaluated"), ("arith", "failed")]


def test_facts_and_variables_may_be_made_up(author: Client, world: World) -> None:
    strategy = world.strategy("First", FIRST_TIME_BONUS)
    world.task("t1", strategy)

    newcomer = simulate(author, strategy)
    known = simulate(author, strategy, mock_state='{"user.points_total": 5}')

    assert newcomer.context["panel"].run.attempt.outcome.points == 100
    assert known.context["panel"].run.attempt.outcome.points == 1


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"game": "nowhere"}, "no such game"),
        ({"task": "nothing"}, "no such task"),
        ({"player": ""}, "is required"),
        ({"player": "a/b"}, "without slashes"),
        ({"player": "a\x01b"}, "without slashes"),
        ({"event": "{"}, "Line 1, column 2"),
        ({"event": "[]"}, "Expected `object`"),
        ({"event": json.dumps({"a": "x" * 20_000})}, "DATA_TOO_LARGE"),
        ({"event": '{"a": ' * 9 + "1" + "}" * 9}, "DATA_TOO_LARGE"),
        ({"event": '{"a": 1e300}'}, "DSL_NUMBER_RANGE"),
        ({"event": '{"a": "\\u0000"}'}, "NUL"),
        ({"mock_state": '{"user.height": 1}'}, "unknown facts"),
        ({"mock_state": '{"user.points_total": []}'}, "Expected"),
        ({"variables": '{"nothing": 1}'}, "DSL_VARIABLE_UNKNOWN"),
        ({"occurred_at": "0001-01-01T00:00"}, "too far away"),
        ({"occurred_at": "soon"}, "valid date"),
    ],
)
def test_what_cannot_be_tried_is_said_and_stays_in_the_form(
    auditor: Client, strategy: Strategy, fields: dict[str, str], expected: str
) -> None:
    page = simulate(auditor, strategy, **fields)

    assert page.status_code == 200
    assert expected in page.content.decode().replace("&#x27;", "'")
    for name, typed in fields.items():
        assert page.context["panel"].form[name].value() == typed


def test_another_realms_game_is_not_there(auditor: Client, strategy: Strategy, other_world: World) -> None:
    assert "no such game" in text_of(simulate(auditor, strategy, game=str(other_world.game.pk)))


def test_a_built_in_strategy_is_tried_in_a_realm_of_choice(auditor: Client, world: World) -> None:
    world.task("t1")
    builtin = Strategy.objects.get(realm=None, slug="default")

    page = simulate(auditor, builtin, realm=str(world.realm.pk))

    assert "BasicEngagement" in text_of(page)


def test_a_real_score_fills_the_form(auditor: Client, world: World, strategy: Strategy) -> None:
    world.score("bob", data={"minutes": 9})
    score = Score.objects.get()

    page = simulate(auditor, strategy, do="prefill", score=str(score.pk))
    filled = {name: page.context["panel"].form[name].value() for name in ("player", "event")}

    assert filled["player"] == "bob"
    assert json.loads(filled["event"]) == {"minutes": 9}
    again = simulate(auditor, strategy, **filled)
    assert again.context["panel"].run.attempt.outcome.points == 9


@pytest.mark.parametrize("score", ["", "x", "\0", "00000000-0000-7000-8000-000000000000"])
def test_a_score_that_is_not_there_is_a_message(auditor: Client, strategy: Strategy, score: str) -> None:
    assert "no score of this id" in text_of(simulate(auditor, strategy, do="prefill", score=score))


def test_another_realms_score_is_not_there(auditor: Client, strategy: Strategy, other_world: World) -> None:
    other_world.task("t1")
    other_world.score("bob")
    score = Score.objects.get()

    page = text_of(simulate(auditor, strategy, do="prefill", score=str(score.pk)))

    assert "no score of this id" in page
    assert "bob" not in page


def test_a_draft_whose_parent_was_archived_still_has_a_page(auditor: Client, world: World) -> None:
    parent = world.strategy("Parent", constant_program(1))
    draft = world.strategy("Child", {"type": "program", "rules": []}, parent=parent)
    publishing.edit_strategy(strategy=draft, program={"type": "program", "rules": [], "id": "next"})
    publishing.archive_strategy(strategy=parent)

    page = auditor.get(url("version", draft, number=2))

    assert page.status_code == 200
    assert "STRATEGY_ARCHIVED" in text_of(page)
