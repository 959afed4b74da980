"""Strategies go from one installation to another, and come from GAME."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from strategies import dsl
from strategies.models import Strategy, StrategyVersion
from strategies.tests.conftest import FIRST_TIME_BONUS, World, constant_program

EMPTY = {"type": "program", "rules": []}
# As GAME's editor writes programs: an id on every node, the parent's result as parent.points.
DOUBLE_ON_WEEKENDS = {
    "type": "program",
    "id": "program",
    "rules": [],
    "post_rules": [
        {
            "type": "rule",
            "id": "r1",
            "when": {"type": "field", "id": "f1", "path": "data.is_weekend"},
            "then": [
                {
                    "type": "set_points",
                    "id": "s1",
                    "value": {
                        "type": "arith",
                        "id": "a1",
                        "op": "*",
                        "left": {"type": "field", "id": "f2", "path": "parent.points"},
                        "right": {"type": "literal", "id": "l1", "value": 2},
                    },
                }
            ],
        }
    ],
}


def of_game(**changes: object) -> dict[str, object]:
    """What GAME's dashboard writes into a file."""
    return {
        "name": "Bono de fin de semana",
        "description": None,
        "type": "DSL_EXTEND",
        "parentStrategyId": "default",
        "astJson": DOUBLE_ON_WEEKENDS,
        "blocklyXml": "<xml></xml>",
        "exportedAt": "2026-05-18T10:00:00.000Z",
        "exportedFromVersion": 3,
        **changes,
    }


def imported(world: World, document: object, query: str = "") -> Any:
    return world.post(f"/strategies/custom/import{query}", document)


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def notes(answer: Any) -> dict[str, str]:
    return {note["code"]: note["pointer"] for note in answer.json()["notes"]}


def test_an_export_names_all_that_an_import_needs(world: World) -> None:
    parent = world.strategy("Parent", constant_program(1))
    world.strategy("Child", EMPTY, parent=parent)

    document = world.get("/strategies/custom/child/export").json()

    assert document.pop("exportedAt").endswith("Z")
    assert document == {
        "format": "strategy-export/1",
        "strategyId": "child",
        "name": "Child",
        "description": "",
        "type": "DSL_EXTEND",
        "parentStrategyId": "parent",
        "version": 1,
        "digest": dsl.digest(EMPTY),
        "astJson": EMPTY,
    }


def test_what_was_exported_is_imported_with_the_same_digest(world: World, other_world: World) -> None:
    parent = world.strategy("Parent", FIRST_TIME_BONUS)
    world.strategy("Child", EMPTY, parent=parent)

    for slug in ("parent", "child"):
        document = world.get(f"/strategies/custom/{slug}/export").json()
        answer = imported(other_world, document)
        assert answer.status_code == 201
        strategy = answer.json()
        assert (strategy["strategyId"], strategy["status"], strategy["notes"]) == (slug, "DRAFT", [])
        assert strategy["digest"] == document["digest"]
        assert other_world.post(f"/strategies/custom/{slug}/publish").status_code == 200
    assert other_world.get("/strategies/custom/child/export").json()["digest"] == document["digest"]


NUMBERS = st.one_of(
    st.integers(-(10**11), 10**11),
    st.floats(-1e11, 1e11),
    st.sampled_from([-0.0, 0.0, 1.0, 1e-7, 5e-324, 0.1]),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(NUMBERS, st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20))
def test_any_number_and_text_survives_export_and_import(world: World, number: float, text: str) -> None:
    program = constant_program(number) | {"variables": {"note": text}}
    body = {"name": "Any", "type": "FULL", "astJson": program}
    created = world.post("/strategies/custom", body).json()

    document = world.get(f"/strategies/custom/{created['id']}/export").json()
    answer = imported(world, document).json()

    assert created["digest"] == document["digest"] == answer["digest"] == dsl.digest(document["astJson"])
    assert [note["code"] for note in answer["notes"]] == ["IMPORT_RENAMED"]
    StrategyVersion.objects.filter(published_at=None).delete()


def test_another_version_can_be_exported(world: World) -> None:
    world.strategy("Points", constant_program(1))
    world.request("PUT", "/strategies/custom/points", {"astJson": constant_program(2)})

    documents = [world.get(f"/strategies/custom/points/export{q}").json() for q in ("", "?version=1")]

    assert [each["version"] for each in documents] == [2, 1]
    assert code(world.get("/strategies/custom/points/export?version=3")) == (404, "VERSION_NOT_FOUND")
    assert code(world.get("/strategies/custom/points/export?version=x")) == (400, "QUERY_INVALID")


def test_an_export_of_game_becomes_a_draft(world: World) -> None:
    answer = imported(world, of_game())

    assert answer.status_code == 201
    strategy = answer.json()
    assert (strategy["strategyId"], strategy["parentStrategyId"], strategy["status"]) == (
        "bono-de-fin-de-semana",
        "default",
        "DRAFT",
    )
    assert strategy["astJson"] == DOUBLE_ON_WEEKENDS
    assert notes(answer) == {"IMPORT_PART_DROPPED": "/blocklyXml"}
    world.post("/strategies/custom/bono-de-fin-de-semana/publish")
    world.task("t1", Strategy.objects.get(slug="bono-de-fin-de-semana"))
    assert world.score(data={"is_weekend": True}).json()["points"] == 2


def test_what_games_api_answers_can_be_imported_too(world: World) -> None:
    answer = imported(
        world,
        {
            "id": "0d4f5f0e-6f3e-4f9e-9a51-0a4a3c7d3c55",
            "realmId": "key",
            "name": "Effort",
            "description": "d",
            "type": "DSL_EXTEND",
            "parentStrategyId": "constantEffortStrategy",
            "astJson": EMPTY,
            "blocklyXml": None,
            "version": 2,
            "status": "PUBLISHED",
            "createdBy": None,
            "created_at": "2026-01-01T00:00:00Z",
            "updated_at": "2026-01-01T00:00:00Z",
            "publishedAt": "2026-01-01T00:00:00Z",
            "experimentTag": "b",
        },
    )

    assert answer.status_code == 201
    assert answer.json()["parentStrategyId"] == "constant_effort"
    assert notes(answer) == {"IMPORT_PART_DROPPED": "/experimentTag"}


@pytest.mark.parametrize(
    ("changes", "status", "expected", "words"),
    [
        ({"type": "BUILT_IN"}, 422, "IMPORT_TYPE_UNKNOWN", "BUILT_IN"),
        ({"parentStrategyId": "socio_bee"}, 422, "IMPORT_PARENT_UNKNOWN", "written in Python"),
        (
            {"parentStrategyId": "custom:7"},
            422,
            "IMPORT_PARENT_UNKNOWN",
            "the installation that this comes from",
        ),
        ({"parentStrategyId": "nowhere"}, 422, "IMPORT_PARENT_UNKNOWN", "Import it first"),
        ({"parentStrategyId": None}, 400, "PARENT_MISSING", "parentStrategyId"),
        ({"type": "DSL_FULL"}, 400, "PARENT_NOT_ALLOWED", "no parent"),
        ({"format": "strategy-export/2"}, 400, "IMPORT_FORMAT_UNKNOWN", "strategy-export/1"),
        ({"blocklyJson": {}}, 400, "BODY_INVALID", "problems"),
        ({"name": ""}, 400, "BODY_INVALID", "problems"),
    ],
)
def test_what_cannot_be_imported_is_named(
    world: World, changes: dict[str, object], status: int, expected: str, words: str
) -> None:
    refused = imported(world, of_game(**changes))

    assert code(refused) == (status, expected)
    assert words in refused.json()["error"]["message"]
    assert not Strategy.objects.filter(realm=world.realm).exists()


def test_all_problems_of_an_imported_program_are_listed(world: World) -> None:
    bad = {
        "type": "program",
        "rules": [
            {"type": "rule", "when": {"type": "field", "path": "user.luck"}, "then": [{"type": "pray"}]}
        ],
    }

    refused = imported(world, of_game(type="DSL_FULL", parentStrategyId=None, astJson=bad))

    assert code(refused) == (422, "PROGRAM_INVALID")
    assert {problem["code"] for problem in refused.json()["error"]["problems"]} == {
        "DSL_FIELD_PATH_NOT_ALLOWED",
        "DSL_UNKNOWN_NODE",
    }


def test_a_parent_can_be_named_in_place_of_the_documents(world: World) -> None:
    world.strategy("Bees", constant_program(1))

    answer = imported(world, of_game(parentStrategyId="socio_bee"), "?parent=bees")

    assert answer.json()["parentStrategyId"] == "bees"
    assert code(imported(world, of_game(), "?parent=nobody")) == (404, "STRATEGY_NOT_FOUND")


def test_a_taken_slug_is_renamed_refused_or_edited(world: World) -> None:
    world.strategy("Points", constant_program(1))
    document = world.get("/strategies/custom/points/export").json() | {
        "astJson": constant_program(2),
        "description": "from a file",
    }

    renamed = imported(world, document)
    refused = imported(world, document, "?onConflict=refuse")
    edited = imported(world, document, "?onConflict=edit")

    assert (renamed.status_code, renamed.json()["strategyId"]) == (201, "points-2")
    assert notes(renamed) == {"IMPORT_RENAMED": "/strategyId", "IMPORT_DIGEST_DIFFERS": "/digest"}
    assert code(refused) == (409, "STRATEGY_EXISTS")
    assert edited.status_code == 200
    assert (edited.json()["strategyId"], edited.json()["version"], edited.json()["productionVersion"]) == (
        "points",
        2,
        1,
    )
    assert edited.json()["description"] == "from a file"
    assert imported(world, of_game(), "?onConflict=edit").status_code == 201, "there is none to edit"
    assert code(imported(world, document, "?onConflict=nothing")) == (400, "QUERY_INVALID")
    slugs = set(Strategy.objects.filter(realm=world.realm).values_list("slug", flat=True))
    assert slugs == {"points", "points-2", "bono-de-fin-de-semana"}


def test_a_strategy_of_another_type_is_not_edited_by_an_import(world: World) -> None:
    world.strategy("Points", constant_program(1))

    refused = imported(world, of_game(name="Points"), "?onConflict=edit")

    assert code(refused) == (409, "STRATEGY_TYPE_DIFFERS")


def test_a_built_in_strategy_is_exported_and_imported_beside_it(world: World) -> None:
    document = world.get("/strategies/custom/default/export").json()

    answer = imported(world, document)

    assert answer.json()["strategyId"] == "default-2"
    assert answer.json()["digest"] == document["digest"]
    assert code(imported(world, document, "?onConflict=refuse")) == (409, "STRATEGY_EXISTS")
