"""Games, tasks, strategies and players over HTTP, as docs/api.md tells it."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from gameproject.lib import clock
from strategies import keys
from strategies.models import ApiKey, Realm, Score
from strategies.tests.conftest import World, constant_program, data_program


def test_a_game_is_created_listed_and_read(world: World) -> None:
    created = world.post(
        "/games",
        {
            "externalGameId": "city",
            "platform": "web",
            "timeZone": "Europe/Vienna",
            "variables": {"variable_bonus_points": 4},
            "params": [{"key": "colour", "value": {"r": 1}}],
        },
    )

    assert created.status_code == 201
    game = created.json()
    assert game | {"gameId": None, "createdAt": None} == {
        "gameId": None,
        "externalGameId": "city",
        "platform": "web",
        "strategyId": "default",
        "timeZone": "Europe/Vienna",
        "variables": {"variable_bonus_points": 4},
        "params": [{"key": "colour", "value": {"r": 1}}],
        "createdAt": None,
    }
    for name in ("city", game["gameId"]):
        read = world.get(f"/games/{name}").json()
        effective = read.pop("effectiveVariables")
        assert read == game
        assert effective["variable_bonus_points"] == 4
        assert effective["variable_basic_points"] == 1
    assert [item["externalGameId"] for item in world.get("/games").json()["items"]] == ["city", "g1"]


def test_a_game_that_is_there_is_a_conflict(world: World, other_world: World) -> None:
    again = world.post("/games", {"externalGameId": "g1", "platform": "web"})

    assert (again.status_code, again.json()["error"]["code"]) == (409, "GAME_EXISTS")
    assert other_world.post("/games", {"externalGameId": "g2", "platform": "web"}).status_code == 201


def test_a_task_takes_the_games_strategy_or_its_own(world: World) -> None:
    world.strategy("Five", constant_program(5))

    own = world.post("/games/g1/tasks", {"externalTaskId": "own", "strategyId": "five"}).json()
    games = world.post("/games/g1/tasks", {"externalTaskId": "games"}).json()

    assert (own["strategyId"], own["status"]) == ("five", "open")
    assert games["strategyId"] == "default"
    assert world.score(task="own").json()["points"] == 5
    assert world.get("/games/g1/tasks/games").json()["effectiveVariables"]["variable_basic_points"] == 1
    assert world.post("/games/g1/tasks", {"externalTaskId": "own"}).json()["error"]["code"] == "TASK_EXISTS"


def test_lists_go_on_where_the_page_before_ended(world: World) -> None:
    for n in range(7):
        world.task(f"task-{n}")

    pages = [world.get("/games/g1/tasks?limit=3").json()]
    while pages[-1]["nextCursor"]:
        pages.append(world.get(f"/games/g1/tasks?limit=3&cursor={pages[-1]['nextCursor']}").json())

    names = [item["externalTaskId"] for page in pages for item in page["items"]]
    assert names == [f"task-{n}" for n in reversed(range(7))]
    assert len(pages) == 3


def test_a_strategy_from_draft_to_points(world: World) -> None:
    created = world.post(
        "/strategies/custom", {"name": "My rule", "type": "FULL", "astJson": constant_program(3)}
    )
    assert created.status_code == 201
    draft = created.json()
    assert (draft["strategyId"], draft["type"], draft["status"], draft["version"]) == (
        "my-rule",
        "DSL_FULL",
        "DRAFT",
        1,
    )
    assert draft["cost"] == {"nodes": 3, "depth": 2, "fields": []}
    assert len(draft["digest"]) == 64

    published = world.post("/strategies/custom/my-rule/publish").json()
    assert (published["status"], published["productionVersion"]) == ("PUBLISHED", 1)
    assert published["publishedAt"] is not None
    assert published["digest"] == draft["digest"]

    edited = world.request("PUT", "/strategies/custom/my-rule", {"astJson": constant_program(4)}).json()
    assert (edited["status"], edited["version"], edited["productionVersion"]) == ("DRAFT", 2, 1)
    again = world.request("PUT", "/strategies/custom/my-rule", {"astJson": constant_program(6)}).json()
    assert again["version"] == 2, "a draft is edited in place"

    world.post("/games/g1/tasks", {"externalTaskId": "t1", "strategyId": "my-rule"})
    assert world.score().json()["points"] == 3
    assert world.post("/strategies/custom/my-rule/publish").json()["productionVersion"] == 2
    assert world.score().json()["points"] == 6
    assert world.post("/strategies/custom/my-rule/publish").json()["error"]["code"] == "NO_DRAFT"


def test_extending_pins_the_parents_version_of_the_day(world: World) -> None:
    parent = world.strategy("Parent", constant_program(10))
    child = {
        "type": "program",
        "rules": [],
        "post_rules": [
            {
                "type": "rule",
                "when": {"type": "literal", "value": True},
                "then": [
                    {
                        "type": "set_points",
                        "value": {
                            "type": "arith",
                            "op": "*",
                            "left": {"type": "field", "path": "result.points"},
                            "right": {"type": "literal", "value": 2},
                        },
                    }
                ],
            }
        ],
    }
    world.task("t1", world.strategy("Double", child, parent=parent))
    assert world.score().json()["points"] == 20

    world.request("PUT", "/strategies/custom/parent", {"astJson": constant_program(100)})
    world.post("/strategies/custom/parent/publish")

    assert world.score().json()["points"] == 20, "the parent is pinned"
    score = Score.objects.latest("created_at")
    assert score.parent_version is not None
    assert score.parent_version.number == 1
    assert world.get(f"/scores/{score.pk}/explain").json()["reproduced"] is True


def test_a_strategy_cannot_extend_itself_through_others(world: World) -> None:
    empty = {"type": "program", "rules": []}
    first = world.strategy("First", empty, parent=world.strategy("Root", constant_program(1)))
    world.strategy("Second", empty, parent=first)

    refused = world.request(
        "PUT", "/strategies/custom/first", {"astJson": empty, "parentStrategyId": "second"}
    )

    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "PARENT_CYCLE")


def test_archiving_names_what_uses_the_strategy(world: World) -> None:
    world.task("t1", world.strategy("Five", constant_program(5)))

    refused = world.post("/strategies/custom/five/archive")
    forced = world.post("/strategies/custom/five/archive", {"force": True})

    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "STRATEGY_IN_USE")
    assert refused.json()["error"]["params"] == {"games": [], "tasks": ["t1"]}
    assert forced.json()["status"] == "ARCHIVED"


def test_built_in_strategies_are_seen_and_not_written(world: World) -> None:
    listed = {item["strategyId"]: item for item in world.get("/strategies").json()["items"]}
    assert listed["default"]["builtIn"] is listed["constant_effort"]["builtIn"] is True
    assert world.get("/strategies/default").json()["version"] == 1
    assert world.get("/strategies/custom").json()["items"] == []

    for method, path in [("PUT", ""), ("POST", "/publish"), ("POST", "/archive")]:
        refused = world.request(
            method, f"/strategies/custom/default{path}", {"astJson": {}} if method == "PUT" else {}
        )
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "STRATEGY_BUILT_IN")


@pytest.mark.parametrize(
    ("query", "expected"), [("DRAFT", {"drafted"}), ("PUBLISHED", {"live"}), ("ARCHIVED", {"old"})]
)
def test_custom_strategies_are_listed_by_status(world: World, query: str, expected: set[str]) -> None:
    world.post("/strategies/custom", {"name": "Drafted", "type": "FULL", "astJson": constant_program(1)})
    world.strategy("Live", constant_program(1))
    world.strategy("Old", constant_program(1))
    world.post("/strategies/custom/old/archive", {"force": True})

    items = world.get(f"/strategies/custom?status={query}").json()["items"]

    assert {item["strategyId"] for item in items} == expected
    assert world.get("/strategies/custom?status=nothing").status_code == 400
    assert world.get("/strategies/custom?type=nothing").status_code == 400
    assert len(world.get("/strategies/custom?type=FULL").json()["items"]) == 3


def test_validation_lists_every_problem_and_stores_nothing(world: World) -> None:
    bad = constant_program(1) | {
        "rules": [
            {
                "type": "rule",
                "when": {"type": "field", "path": "user.measurement_count"},
                "then": [
                    {"type": "assign_points", "value": {"type": "literal", "value": 1}, "case_name": ""}
                ],
            }
        ],
    }

    answer = world.post("/strategies/custom/validate", {"type": "FULL", "astJson": bad}).json()

    assert answer["valid"] is False
    problems = {problem["code"]: problem for problem in answer["problems"]}
    assert set(problems) == {"DSL_FIELD_PATH_NOT_ALLOWED", "DSL_CASE_NAME"}
    assert "user.measurements_count" in problems["DSL_FIELD_PATH_NOT_ALLOWED"]["hint"]
    good = world.post("/strategies/custom/validate", {"type": "FULL", "astJson": constant_program(1)}).json()
    assert good["valid"] is True
    assert world.get("/strategies/custom").json()["items"] == []


def test_the_field_catalogue_names_every_fact(world: World) -> None:
    from strategies.facts import FACTS

    paths = {field["path"] for field in world.get("/strategies/fields").json()["items"]}

    assert set(FACTS) <= paths


def test_simulation_uses_real_history_and_leaves_no_trace(world: World) -> None:
    world.task("t1")
    for _ in range(3):
        world.score()
    before = Score.objects.count()
    event = {"externalGameId": "g1", "externalTaskId": "t1", "externalUserId": "ana"}

    stored = world.post("/strategies/custom/default/simulate", event)
    mocked = world.post(
        "/strategies/custom/default/simulate", event | {"mockState": {"task.measurements_count": 0}}
    ).json()
    sent = world.post(
        "/strategies/custom/simulate",
        event | {"type": "FULL", "astJson": data_program(), "data": {"minutes": 7.5}},
    ).json()
    overridden = world.post(
        "/strategies/custom/default/simulate",
        event | {"mockState": {"task.measurements_count": 0}, "variables": {"variable_basic_points": 42}},
    ).json()

    assert stored.json()["facts"]["user.measurements_count"] == 3
    assert (mocked["points"], mocked["caseName"]) == (1, "BasicEngagement")
    assert mocked["executionTrace"]
    assert (sent["points"], sent["outcome"]) == (7.5, "award")
    assert overridden["points"] == 42
    assert Score.objects.count() == before


def test_a_simulation_that_fails_shows_its_trace(world: World) -> None:
    world.task("t1")
    event = {"externalGameId": "g1", "externalTaskId": "t1", "externalUserId": "ana"}

    failed = world.post(
        "/strategies/custom/simulate",
        event | {"type": "FULL", "astJson": data_program(), "data": {"minutes": "x"}},
    )

    assert failed.status_code == 422
    error = failed.json()["error"]
    assert error["code"] == "DSL_ASSIGN_POINTS_NOT_NUMBER"
    assert error["params"]["executionTrace"]
    unknown = world.post("/strategies/custom/default/simulate", event | {"mockState": {"user.luck": 1}})
    assert unknown.status_code == 400


def test_a_players_points_by_game_and_task(world: World) -> None:
    strategy = world.strategy("Minutes", data_program())
    world.task("t1", strategy)
    world.task("t2", strategy)
    for task, minutes in [("t1", 1.5), ("t1", 2), ("t2", 10)]:
        world.score(task=task, data={"minutes": minutes})
    world.score(task="t2", data={"minutes": 99}, isTest=True)

    points = world.get("/users/ana/points").json()

    assert points["points"] == 13.5
    game = points["games"][0]
    assert (game["externalGameId"], game["points"]) == ("g1", 13.5)
    assert [(t["externalTaskId"], t["points"], t["timesAwarded"]) for t in game["tasks"]] == [
        ("t1", 3.5, 2),
        ("t2", 10, 1),
    ]


@pytest.mark.parametrize(
    ("scope", "allowed"),
    [("score", {"score"}), ("read", {"read"}), ("author", {"author"}), ("operate", set())],
)
def test_a_key_opens_what_its_scopes_name(world: World, scope: str, allowed: set[str]) -> None:
    world.task("t1")
    _row, world.key = keys.create_api_key(realm=world.realm, name="one", scopes=[scope])

    answers = {
        "score": world.score(),
        "read": world.get("/games"),
        "author": world.post("/games", {"externalGameId": "g2", "platform": "p"}),
    }

    assert {name for name, answer in answers.items() if answer.status_code < 400} == allowed
    refused = [answer for name, answer in answers.items() if name not in allowed]
    assert {answer.status_code for answer in refused} == {403}
    assert {answer.json()["error"]["code"] for answer in refused} == {"SCOPE_MISSING"}


def test_create_api_key_shows_a_key_that_works_and_stores_only_its_hash(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("create_api_key", "acme", "--name", "shop", "--scopes", "read", "--days", "30")
    world.key = capsys.readouterr().out.strip()

    assert world.get("/games").status_code == 200
    row = ApiKey.objects.get(name="shop")
    assert world.key.split(".")[1].encode() not in bytes(row.secret_hash)
    assert row.expires_at is not None
    assert timedelta(days=29) < row.expires_at - clock.now() <= timedelta(days=30)


def test_create_api_key_says_what_to_do_about_an_unknown_realm(world: World) -> None:
    with pytest.raises(CommandError, match=r"there are: acme.*--create-realm"):
        call_command("create_api_key", "nowhere")

    call_command("create_api_key", "nowhere", "--create-realm")
    assert Realm.objects.filter(slug="nowhere").exists()


def test_health_needs_no_key_and_names_each_dependency(world: World) -> None:
    assert world.client.get("/healthz").json() == {"status": "ok"}
    ready = world.client.get("/readyz")
    assert ready.status_code == 200
    assert {name: each["ok"] for name, each in ready.json()["dependencies"].items()} == {
        "database": True,
        "broker": True,
    }


def test_readiness_is_503_with_the_reason_when_the_broker_is_away(world: World, settings: Settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    unready = world.client.get("/readyz")

    assert unready.status_code == 503
    assert unready.json()["dependencies"]["broker"]["ok"] is False
    assert "refused" in unready.json()["dependencies"]["broker"]["reason"].lower()


def test_an_unforeseen_failure_is_a_500_in_the_same_shape(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr("strategies.selectors.game_by_name", fail)
    answer = world.request("GET", "/games/g1", x_request_id="of-mine")

    assert (answer.status_code, answer.json()["error"]["code"]) == (500, "INTERNAL_ERROR")
    assert answer.json()["requestId"] == answer.headers["X-Request-ID"] == "of-mine"
    assert "unforeseen" not in answer.content.decode()
