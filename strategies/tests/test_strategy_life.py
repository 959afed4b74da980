"""A strategy is drafted, published, rolled back and archived, and every step acts on the next event."""

from typing import Any

import pytest

from gameproject.lib.errors import Conflict
from strategies import keys, programs, publishing, variables
from strategies.models import Alias, Realm, Score, Strategy, StrategyVersion
from strategies.tests.conftest import World, constant_program, data_program
from strategies.tests.threads import at_once

EMPTY = {"type": "program", "rules": []}


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["error"]["code"]


def publish_next(world: World, slug: str, program: object) -> Any:
    assert world.request("PUT", f"/strategies/custom/{slug}", {"astJson": program}).status_code == 200
    return world.post(f"/strategies/custom/{slug}/publish").json()


def goal_program(**spec: object) -> dict[str, object]:
    """A program that gives as many points as its variable says."""
    award = {"type": "assign_points", "value": {"type": "variable", "name": "goal"}, "case_name": "Goal"}
    return {"type": "program", "rules": [], "default": award, "variables": {"goal": {"value": 10, **spec}}}


# ── Rolling back ─────────────────────────────────────────────────────────────────────────────────
def test_rolling_back_acts_on_the_next_event(world: World) -> None:
    world.task("t1", world.strategy("Points", constant_program(1)))
    publish_next(world, "points", constant_program(2))
    assert world.score().json()["points"] == 2

    rolled = world.post("/strategies/custom/points/rollback/1")

    assert (rolled.status_code, rolled.json()["productionVersion"]) == (200, 1)
    answer = world.score().json()
    assert (answer["points"], answer["version"]) == (1, 1)
    forward = world.post("/strategies/custom/points/rollback/2").json()
    assert forward["productionVersion"] == 2
    assert world.score().json()["points"] == 2


def test_a_draft_outlives_a_rollback_and_numbers_go_on(world: World) -> None:
    world.strategy("Points", constant_program(1))
    publish_next(world, "points", constant_program(2))
    world.request("PUT", "/strategies/custom/points", {"astJson": constant_program(3)})

    rolled = world.post("/strategies/custom/points/rollback/1").json()

    assert (rolled["version"], rolled["status"], rolled["productionVersion"]) == (3, "DRAFT", 1)
    assert world.post("/strategies/custom/points/publish").json()["productionVersion"] == 3


def test_what_cannot_be_rolled_back_to_is_said(world: World, other_world: World) -> None:
    world.strategy("Points", constant_program(1))
    world.request("PUT", "/strategies/custom/points", {"astJson": constant_program(2)})
    path = "/strategies/custom/points/rollback"

    assert code(world.post(f"{path}/1")) == (409, "VERSION_IN_PRODUCTION")
    assert code(world.post(f"{path}/2")) == (409, "VERSION_NOT_PUBLISHED")
    assert code(world.post(f"{path}/3")) == (404, "VERSION_NOT_FOUND")
    assert code(world.post(f"{path}/{10**30}")) == (404, "VERSION_NOT_FOUND")
    assert world.post(f"{path}/x").status_code == 404
    assert code(other_world.post(f"{path}/1")) == (404, "STRATEGY_NOT_FOUND")
    assert code(world.post("/strategies/custom/default/rollback/1")) == (409, "STRATEGY_BUILT_IN")


def test_an_archived_strategy_is_not_rolled_back(world: World) -> None:
    world.strategy("Points", constant_program(1))
    publish_next(world, "points", constant_program(2))
    world.post("/strategies/custom/points/archive")

    assert code(world.post("/strategies/custom/points/rollback/1")) == (409, "STRATEGY_ARCHIVED")


def test_a_version_that_reads_what_has_been_masked_since_is_not_rolled_back_to(world: World) -> None:
    world.strategy("Minutes", data_program("minutes"))
    publish_next(world, "minutes", constant_program(2))
    Realm.objects.filter(pk=world.realm.pk).update(masked_data_keys=["minutes"])

    refused = world.post("/strategies/custom/minutes/rollback/1")

    assert code(refused) == (422, "PROGRAM_INVALID")
    assert refused.json()["error"]["problems"][0]["code"] == "DSL_MASKED_FIELD"
    assert world.get("/strategies/custom/minutes").json()["productionVersion"] == 2


def test_a_rolled_back_child_runs_with_the_parent_of_its_time(world: World) -> None:
    parent = world.strategy("Parent", constant_program(10))
    world.task("t1", world.strategy("Child", EMPTY, parent=parent))
    publish_next(world, "parent", constant_program(100))
    publish_next(world, "child", EMPTY)
    assert world.score().json()["points"] == 100

    world.post("/strategies/custom/child/rollback/1")

    assert world.score().json()["points"] == 10


# ── Publishing ───────────────────────────────────────────────────────────────────────────────────
def test_warnings_are_kept_with_the_version(world: World) -> None:
    doubtful = constant_program(1) | {"variables": {"unused": 3}}
    world.strategy("Doubtful", doubtful)
    publish_next(world, "doubtful", constant_program(2))

    first = world.get("/strategies/custom/doubtful/versions/1").json()

    assert [problem["code"] for problem in first["warnings"]] == ["DSL_VARIABLE_UNUSED"]
    assert world.get("/strategies/custom/doubtful/versions/2").json()["warnings"] == []


def test_what_a_draft_no_longer_fits_blocks_publishing(world: World) -> None:
    parent = world.strategy("Parent", goal_program())
    child = EMPTY | {"parent_variables": {"goal": 20}}
    world.strategy("Child", child, parent=parent)
    world.request("PUT", "/strategies/custom/child", {"astJson": child | {"id": "second"}})
    publish_next(world, "parent", constant_program(1))

    refused = world.post("/strategies/custom/child/publish")

    assert code(refused) == (422, "PROGRAM_INVALID")
    assert refused.json()["error"]["problems"][0]["code"] == "DSL_VARIABLE_UNKNOWN"
    assert world.get("/strategies/custom/child").json()["productionVersion"] == 1


def test_a_failed_publication_leaves_nothing_behind(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    strategy = world.strategy("Points", constant_program(1))
    publishing.edit_strategy(strategy=strategy, program=constant_program(2))

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("in the middle")

    monkeypatch.setattr(publishing, "_move_production", fail)
    with pytest.raises(RuntimeError, match="in the middle"):
        publishing.publish_strategy(strategy=strategy)

    assert StrategyVersion.objects.get(strategy=strategy, number=2).published_at is None
    assert Alias.objects.get(strategy=strategy).version.number == 1


def test_a_draft_changes_nothing_that_scoring_has_cached(world: World) -> None:
    strategy = world.strategy("Points", constant_program(1))
    before = Realm.objects.get(pk=world.realm.pk).config_epoch

    publishing.edit_strategy(strategy=strategy, program=constant_program(2), name="Points")
    assert Realm.objects.get(pk=world.realm.pk).config_epoch == before

    publishing.edit_strategy(strategy=strategy, program=constant_program(2), name="Other")
    assert Realm.objects.get(pk=world.realm.pk).config_epoch > before


def test_publishing_while_the_parent_is_published_pins_what_was_validated(world: World) -> None:
    parent = world.strategy("Parent", goal_program())
    child = world.strategy("Child", EMPTY, parent=parent)
    for n in range(3):
        publishing.edit_strategy(strategy=parent, program=goal_program() | {"id": f"parent {n}"})
        publishing.edit_strategy(strategy=child, program=EMPTY | {"id": f"child {n}"})

        def publish(index: int) -> StrategyVersion:
            return publishing.publish_strategy(strategy=[parent, child][index])

        _parent, version = at_once(2, publish)

        assert programs.load(version.pk).program.runnable


def test_of_many_publications_at_once_one_wins(world: World) -> None:
    strategy = world.strategy("Points", constant_program(1))
    publishing.edit_strategy(strategy=strategy, program=constant_program(2))

    def publish(_: int) -> str:
        try:
            return str(publishing.publish_strategy(strategy=strategy).number)
        except Conflict as refused:
            return refused.code

    assert sorted(at_once(4, publish)) == ["2", "NO_DRAFT", "NO_DRAFT", "NO_DRAFT"]


def test_strategies_created_at_once_under_one_name_get_slugs_of_their_own(world: World) -> None:
    def create(_: int) -> int:
        body = {"name": "Same", "type": "FULL", "astJson": constant_program(1)}
        return int(world.post("/strategies/custom", body).status_code)

    assert set(at_once(5, create)) == {201}
    slugs = set(Strategy.objects.filter(realm=world.realm).values_list("slug", flat=True))
    assert slugs == {"same", "same-2", "same-3", "same-4", "same-5"}


@pytest.mark.parametrize(
    "name", ["Import", "templates", "Custom", "fields", "Simulate", "validate", "Default"]
)
def test_no_slug_hides_a_path_or_a_built_in_strategy(world: World, name: str) -> None:
    body = {"name": name, "type": "FULL", "astJson": constant_program(1)}

    created = world.post("/strategies/custom", body).json()

    assert created["strategyId"] == f"{name.lower()}-2"
    assert world.get(f"/strategies/custom/{created['strategyId']}").json()["name"] == name
    assert world.get("/strategies/default").json()["builtIn"] is True


def test_the_digest_is_of_what_is_stored(world: World) -> None:
    """PostgreSQL's JSON knows no negative zero."""
    strategy = world.strategy("Zero", constant_program(-0.0))

    version = strategy.versions.get()

    assert programs.load(version.pk).program.digest == version.digest
    assert str(version.program["default"]["value"]["value"]) == "0.0"


# ── Overrides that no longer fit ─────────────────────────────────────────────────────────────────
def test_publishing_warns_of_overrides_that_no_longer_fit(world: World) -> None:
    goal = world.strategy("Goal", goal_program(max=50))
    world.game.strategy = goal
    world.game.variables = {"goal": 40}
    world.game.save()
    world.task("t1")
    world.task("t2", variables={"goal": 30})
    world.task("t3", variables={"goal": 15})
    world.task("t4", Strategy.objects.get(slug="default", realm=None), variables={"variable_basic_points": 2})
    assert world.score().json()["points"] == 40

    published = publish_next(world, "goal", goal_program(max=20))

    (problem,) = published["problems"]
    assert (problem["code"], problem["severity"], problem["path"]) == (
        "OVERRIDE_IGNORED",
        "warning",
        "variables/goal",
    )
    assert problem["message"] == (
        "1 game and 1 task override goal with a value that is ignored: "
        "The variable goal must be at most 20: 30."
    )
    assert problem["params"] | {"examples": None} == {
        "variable": "goal",
        "reason": "DSL_VARIABLE_RANGE",
        "games": 1,
        "tasks": 1,
        "examples": None,
    }
    assert sorted(problem["params"]["examples"], key=str) == [
        {"game": "g1", "task": "t2", "value": 30},
        {"game": "g1", "task": None, "value": 40},
    ]
    assert world.get("/strategies/custom/goal/versions/2").json()["warnings"] == [problem]
    assert [world.score(task=task).json()["points"] for task in ("t1", "t2", "t3")] == [10, 10, 15]
    assert Score.objects.latest("created_at").variables == {"goal": 15}


def test_usage_shows_the_overrides_that_production_ignores(world: World) -> None:
    world.task("t1", world.strategy("Goal", goal_program()), variables={"goal": 40})
    assert world.get("/strategies/custom/goal/usage").json()["ignoredOverrides"] == []
    publish_next(world, "goal", constant_program(1))

    (ignored,) = world.get("/strategies/custom/goal/usage").json()["ignoredOverrides"]

    assert (ignored["variable"], ignored["reason"]) == ("goal", "DSL_VARIABLE_UNKNOWN")
    assert (ignored["games"], ignored["tasks"]) == (0, 1)
    assert ignored["examples"] == [{"game": "g1", "task": "t1", "value": 40}]
    world.post("/strategies/custom/goal/rollback/1")
    assert world.get("/strategies/custom/goal/usage").json()["ignoredOverrides"] == []


def test_another_realms_overrides_of_a_built_in_strategy_are_its_own_affair(
    world: World, other_world: World
) -> None:
    for each in (world, other_world):
        each.game.variables = {"nothing_of_default": 1}
        each.game.save()
    other_world.task("t1", variables={"nothing_of_default": 1})

    usage = world.get("/strategies/custom/default/usage").json()

    assert (usage["games"]["count"], usage["inheritingTasks"]) == (1, 0)
    assert [(ignored["games"], ignored["tasks"]) for ignored in usage["ignoredOverrides"]] == [(1, 0)]


def test_misfits_are_found_by_one_query_however_many_tasks_there_are(
    world: World, django_assert_num_queries: Any
) -> None:
    strategy = world.strategy("Points", constant_program(1))
    for n in range(30):
        world.task(f"t{n}", strategy, variables={"gone": n, f"own_{n % 3}": "x"})
    program = programs.load(strategy.aliases.get().version_id).program

    with django_assert_num_queries(1):
        found = variables.misfits(program, strategy=strategy, realm_id=world.realm.pk)

    assert {misfit.variable: misfit.n_tasks for misfit in found} == {
        "gone": 30,
        "own_0": 10,
        "own_1": 10,
        "own_2": 10,
    }
    assert all(len(misfit.examples) == 5 for misfit in found)


# ── Archiving ────────────────────────────────────────────────────────────────────────────────────
def test_archiving_counts_what_uses_the_strategy(world: World) -> None:
    strategy = world.strategy("Five", constant_program(5))
    world.game.strategy = strategy
    world.game.save()
    for n in range(60):
        world.task(f"t{n:02}", strategy)

    refused = world.post("/strategies/custom/five/archive").json()["error"]

    assert refused["message"].startswith("1 game and 60 tasks would refuse events")
    assert refused["params"]["games"] == ["g1"]
    assert len(refused["params"]["tasks"]) == 50


def test_children_of_an_archived_strategy_go_on_scoring_but_publish_no_more(world: World) -> None:
    parent = world.strategy("Parent", constant_program(10))
    world.task("t1", world.strategy("Child", EMPTY, parent=parent))

    archived = world.post("/strategies/custom/parent/archive")

    assert (archived.status_code, archived.json()["status"]) == (200, "ARCHIVED")
    assert world.score().json()["points"] == 10
    programs.load.cache_clear()
    assert world.score().json()["points"] == 10, "from the database too"
    edited = world.request("PUT", "/strategies/custom/child", {"astJson": EMPTY | {"id": "next"}})
    assert code(edited) == (409, "STRATEGY_ARCHIVED")
    elsewhere = world.strategy("Elsewhere", constant_program(3))
    moved = world.request(
        "PUT", "/strategies/custom/child", {"astJson": EMPTY, "parentStrategyId": elsewhere.slug}
    )
    assert moved.status_code == 200
    assert world.post("/strategies/custom/child/publish").status_code == 200
    assert world.score().json()["points"] == 3


def test_archiving_again_changes_nothing(world: World) -> None:
    world.task("t1", world.strategy("Five", constant_program(5)))
    world.post("/strategies/custom/five/archive", {"force": True})
    archived_at = Strategy.objects.get(slug="five").archived_at

    again = world.post("/strategies/custom/five/archive")

    assert again.status_code == 200
    assert Strategy.objects.get(slug="five").archived_at == archived_at
    for path in ("publish", "rollback/1"):
        assert code(world.post(f"/strategies/custom/five/{path}")) == (409, "STRATEGY_ARCHIVED")


# ── Cloning ──────────────────────────────────────────────────────────────────────────────────────
def test_a_built_in_strategy_is_cloned_to_a_draft_of_ones_own(world: World) -> None:
    cloned = world.post("/strategies/custom/default/clone")

    assert cloned.status_code == 201
    answer = cloned.json()
    original = world.get("/strategies/default").json()
    assert (answer["strategyId"], answer["status"], answer["builtIn"]) == (
        f"{answer['name'].lower()[:-7]}-copy",
        "DRAFT",
        False,
    )
    assert answer["digest"] == original["digest"]
    assert world.post(f"/strategies/custom/{answer['strategyId']}/publish").json()["productionVersion"] == 1


def test_a_clone_takes_a_name_a_version_and_the_parent(world: World) -> None:
    world.strategy("Parent", constant_program(10))
    child = world.strategy("Child", EMPTY, parent=Strategy.objects.get(slug="parent"))
    publish_next(world, "child", EMPTY | {"id": "second"})

    first = world.post(f"/strategies/custom/{child.pk}/clone", {"name": "Mine", "version": 1}).json()
    latest = world.post("/strategies/custom/child/clone", {"name": "Mine"}).json()

    assert (first["strategyId"], first["parentStrategyId"], first["type"]) == ("mine", "parent", "DSL_EXTEND")
    assert first["astJson"] == EMPTY
    assert (latest["strategyId"], latest["astJson"]["id"]) == ("mine-2", "second")
    assert code(world.post("/strategies/custom/child/clone", {"version": 9})) == (404, "VERSION_NOT_FOUND")
    long = world.post("/strategies/custom/child/clone", {"name": "x" * 200}).json()
    assert len(world.post(f"/strategies/custom/{long['strategyId']}/clone").json()["name"]) == 200


# ── Who may ──────────────────────────────────────────────────────────────────────────────────────
READS = ["", "/versions", "/versions/1", "/usage", "/diff?a=1&b=1", "/export"]
WRITES = ["/publish", "/rollback/1", "/archive", "/clone"]


def test_reading_needs_read_and_writing_needs_author(world: World, other_world: World) -> None:
    world.strategy("Points", constant_program(1))
    for scope, allowed in [("read", READS), ("author", WRITES)]:
        _row, world.key = keys.create_api_key(realm=world.realm, name=scope, scopes=[scope])
        answers = {path: world.get(f"/strategies/custom/points{path}") for path in READS}
        answers |= {path: world.post(f"/strategies/custom/points{path}") for path in WRITES}
        assert {path for path, answer in answers.items() if answer.status_code != 403} == set(allowed)
    for path in READS:
        assert code(other_world.get(f"/strategies/custom/points{path}")) == (404, "STRATEGY_NOT_FOUND")
    for path in WRITES:
        assert code(other_world.post(f"/strategies/custom/points{path}")) == (404, "STRATEGY_NOT_FOUND")


@pytest.mark.parametrize("path", READS)
def test_built_in_strategies_can_be_read_in_every_way(world: World, path: str) -> None:
    assert world.get(f"/strategies/custom/default{path}").status_code == 200
