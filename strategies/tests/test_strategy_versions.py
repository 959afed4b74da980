"""Versions of strategies, what differs between them, what uses them; and how many queries that takes."""

from typing import Any

import pytest

from strategies import dsl
from strategies.models import Strategy
from strategies.tests.conftest import FIRST_TIME_BONUS, World, constant_program

EMPTY = {"type": "program", "rules": []}


def publish_next(world: World, slug: str, program: object) -> None:
    world.request("PUT", f"/strategies/custom/{slug}", {"astJson": program})
    assert world.post(f"/strategies/custom/{slug}/publish").status_code == 200


def test_versions_are_listed_newest_first(world: World) -> None:
    world.strategy("Points", constant_program(1))
    publish_next(world, "points", constant_program(2))
    world.request("PUT", "/strategies/custom/points", {"astJson": constant_program(3)})
    world.post("/strategies/custom/points/rollback/1")

    items = world.get("/strategies/custom/points/versions").json()["items"]

    assert [(each["version"], each["status"], each["isProduction"]) for each in items] == [
        (3, "DRAFT", False),
        (2, "PUBLISHED", False),
        (1, "PUBLISHED", True),
    ]
    assert [each["publishedAt"] is None for each in items] == [True, False, False]
    assert len({each["digest"] for each in items}) == 3
    assert all(each["createdAt"] and each["parentVersion"] is None for each in items)
    assert "astJson" not in items[0]


def test_versions_go_on_where_the_page_before_ended(world: World) -> None:
    world.strategy("Points", constant_program(1))
    for n in range(2, 6):
        publish_next(world, "points", constant_program(n))

    first = world.get("/strategies/custom/points/versions?limit=3").json()
    second = world.get(f"/strategies/custom/points/versions?limit=3&cursor={first['nextCursor']}").json()

    numbers = [each["version"] for page in (first, second) for each in page["items"]]
    assert (numbers, second["nextCursor"]) == ([5, 4, 3, 2, 1], None)


def test_a_version_shows_its_program_and_the_parent_it_is_pinned_to(world: World) -> None:
    parent = world.strategy("Parent", constant_program(1))
    publish_next(world, "parent", constant_program(2))
    world.strategy("Child", EMPTY, parent=parent)

    version = world.get("/strategies/custom/child/versions/1").json()

    assert version["parentVersion"] == {"strategyId": "parent", "version": 2}
    assert version["astJson"] == EMPTY
    assert version["cost"]["nodes"] == 1
    missing = world.get("/strategies/custom/child/versions/2")
    assert (missing.status_code, missing.json()["error"]["code"]) == (404, "VERSION_NOT_FOUND")


def test_usage_names_games_tasks_and_children(world: World) -> None:
    strategy = world.strategy("Parent", constant_program(1))
    world.game.strategy = strategy
    world.game.save()
    world.task("inherits")
    world.task("own", strategy)
    world.strategy("Child", EMPTY, parent=strategy)
    moved = world.strategy("Moved", EMPTY, parent=strategy)
    other = world.strategy("Other", constant_program(2))
    world.request("PUT", "/strategies/custom/moved", {"astJson": EMPTY, "parentStrategyId": "other"})
    publish_next(world, "parent", constant_program(3))

    usage = world.get("/strategies/custom/parent/usage").json()

    assert usage["games"] == {
        "count": 1,
        "items": [{"gameId": str(world.game.pk), "externalGameId": "g1"}],
    }
    assert [each["externalTaskId"] for each in usage["tasks"]["items"]] == ["own"]
    assert (usage["tasks"]["count"], usage["inheritingTasks"]) == (1, 1)
    pinned = {"strategyId": "parent", "version": 1}
    assert usage["children"] == {
        "count": 2,
        "items": [
            {"strategyId": "child", "name": "Child", "productionVersion": 1, "parentVersion": pinned},
            {"strategyId": "moved", "name": "Moved", "productionVersion": 1, "parentVersion": pinned},
        ],
    }
    assert usage["ignoredOverrides"] == []
    of_other = world.get(f"/strategies/custom/{other.pk}/usage").json()
    assert [each["strategyId"] for each in of_other["children"]["items"]] == ["moved"]
    assert moved.parent_id == strategy.pk


def test_usage_is_bounded_and_counts_the_rest(world: World, django_assert_max_num_queries: Any) -> None:
    strategy = world.strategy("Five", constant_program(5))
    for n in range(60):
        world.task(f"t{n:02}", strategy)
    for n in range(3):
        world.strategy(f"Child {n}", EMPTY, parent=strategy)

    with django_assert_max_num_queries(12):
        usage = world.get("/strategies/custom/five/usage").json()

    assert (usage["tasks"]["count"], len(usage["tasks"]["items"])) == (60, 50)
    assert usage["tasks"]["items"][0]["externalTaskId"] == "t00"
    assert usage["children"]["count"] == 3


def test_the_difference_of_two_versions_by_rule(world: World) -> None:
    world.strategy("Points", FIRST_TIME_BONUS)
    publish_next(world, "points", FIRST_TIME_BONUS | {"default": None, "variables": {"goal": 3}})

    diff = world.get("/strategies/custom/points/diff?a=1&b=2").json()

    assert (diff["a"]["version"], diff["b"]["version"]) == (1, 2)
    assert [(each["section"], each["change"], each["path"]) for each in diff["changes"]] == [
        ("default", "removed", "default"),
        ("variables", "added", "variables/goal"),
    ]
    assert diff["changes"][0]["label"] == "Removed the default: assign 1 points, case Again" or diff[
        "changes"
    ][0]["label"].startswith("Removed the default: assign 1 point")
    assert diff["changes"][1]["after"] == 3
    assert world.get("/strategies/custom/points/diff?a=2&b=2").json()["changes"] == []


def test_a_difference_of_parents_alone_shows(world: World) -> None:
    parent = world.strategy("Parent", constant_program(1))
    world.strategy("Child", EMPTY, parent=parent)
    publish_next(world, "parent", constant_program(2))
    publish_next(world, "child", EMPTY)

    diff = world.get("/strategies/custom/child/diff?a=1&b=2").json()

    assert diff["changes"] == []
    assert [diff[side]["parentVersion"]["version"] for side in "ab"] == [1, 2]


@pytest.mark.parametrize(
    ("query", "status", "code"),
    [
        ("", 400, "QUERY_INVALID"),
        ("?a=1", 400, "QUERY_INVALID"),
        ("?a=1&b=x", 400, "QUERY_INVALID"),
        ("?a=1&b=-1", 400, "QUERY_INVALID"),
        ("?a=1&b=\u0661", 400, "QUERY_INVALID"),
        ("?a=1&b=2", 404, "VERSION_NOT_FOUND"),
        ("?a=0&b=1", 404, "VERSION_NOT_FOUND"),
        ("?a=1&b=9999999999", 404, "VERSION_NOT_FOUND"),
    ],
)
def test_versions_to_compare_must_be_there(world: World, query: str, status: int, code: str) -> None:
    world.strategy("Points", constant_program(1))

    answer = world.get(f"/strategies/custom/points/diff{query}")

    assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)


def test_every_template_is_a_body_for_creating_a_strategy(world: World) -> None:
    templates = world.get("/strategies/custom/templates").json()["items"]

    assert {each["id"] for each in templates} == set(dsl.example_programs())
    for each in templates:
        body = {key: each[key] for key in ("name", "description", "type", "parentStrategyId", "astJson")}
        created = world.post("/strategies/custom", body)
        assert created.status_code == 201
        assert created.json()["digest"] == each["digest"]
        assert created.json()["cost"] == each["cost"]


@pytest.mark.parametrize(
    ("path", "n_queries"),
    [
        ("/strategies", 4),
        ("/strategies/custom", 4),
        ("/strategies/custom?status=PUBLISHED", 4),
        ("/strategies/custom/s0/versions", 4),
    ],
)
def test_lists_take_as_many_queries_for_many_rows_as_for_few(
    world: World, django_assert_max_num_queries: Any, path: str, n_queries: int
) -> None:
    """The key, the rows, and for strategies their latest versions and production aliases."""
    parent = world.strategy("Parent", constant_program(1))
    for n in range(8):
        world.strategy(f"S{n}", EMPTY, parent=parent)
        publish_next(world, f"s{n}", EMPTY | {"id": "second"})
    publish_next(world, "s0", EMPTY | {"id": "third"})

    with django_assert_max_num_queries(n_queries):
        page = world.get(path).json()

    assert len(page["items"]) >= 3


def test_a_listed_strategy_is_the_same_as_a_read_one(world: World) -> None:
    parent = world.strategy("Parent", constant_program(1))
    world.strategy("Child", EMPTY, parent=parent)
    world.request("PUT", "/strategies/custom/parent", {"astJson": constant_program(2)})
    world.post("/strategies/custom", {"name": "New", "type": "FULL", "astJson": constant_program(1)})

    listed = {each["strategyId"]: each for each in world.get("/strategies").json()["items"]}

    assert set(listed) == set(Strategy.objects.values_list("slug", flat=True))
    for slug, each in listed.items():
        assert world.get(f"/strategies/{slug}").json() == each
    assert (listed["parent"]["version"], listed["parent"]["productionVersion"]) == (2, 1)
    assert listed["new"]["productionVersion"] is None
