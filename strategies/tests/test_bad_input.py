"""Whatever is sent: the status that docs/api.md names, never a 500, never a row that should not be there."""

import json
import uuid
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest

from gameproject.lib import clock
from strategies.models import Game, Player, Score, Strategy, Task
from strategies.tests.conftest import World, constant_program

POINTS = "/games/g1/tasks/t1/points"
DEEP = b'{"externalUserId":"ana","data":{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}}"
SQL = "'; DROP TABLE strategies_score; --"
AT_ANY_HOUR = {
    "type": "program",
    "rules": [],
    "default": {
        "type": "assign_points",
        "value": {"type": "field", "path": "event.hour"},
        "case_name": "Hour",
    },
}
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def a_task_and_nothing_scored(world: World) -> Iterator[None]:
    world.task("t1")
    yield
    assert not Score.objects.exists()
    assert not Player.objects.exists()


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b" ", 400, "NOT_JSON"),
        (b"{", 400, "NOT_JSON"),
        (b"\xff\xfe", 400, "NOT_JSON"),
        (b'\xef\xbb\xbf{"externalUserId":"ana"}', 400, "NOT_JSON"),
        (b'{"externalUserId":"\xed\xa0\x80"}', 400, "NOT_JSON"),
        (b'{"externalUserId":"\\ud800"}', 400, "NOT_JSON"),
        (b'{"externalUserId":"ana","data":{"a":NaN}}', 400, "NOT_JSON"),
        (b'{"externalUserId":"ana","data":{"a":Infinity}}', 400, "NOT_JSON"),
        (b'{"externalUserId":"ana","data":{"a":1e999}}', 400, "BODY_INVALID"),
        (b'{"externalUserId":"ana","data":{"a":' + b"9" * 5000 + b"}}", 400, "BODY_INVALID"),
        (b'{"externalUserId":"ana","data":{"a":1e16}}', 400, "DSL_NUMBER_RANGE"),
        (b'{"externalUserId":"ana","data":{"a":-10000000000000000}}', 400, "DSL_NUMBER_RANGE"),
        (b'{"externalUserId":"ana","data":{"a":"\\u0000"}}', 400, "VALUE_INVALID"),
        (b'{"externalUserId":"ana","data":{"a\\u0000":1}}', 400, "VALUE_INVALID"),
        (DEEP, 400, "NOT_JSON"),
        # Of a wrong type before it ends to be JSON
        (b'{"externalUserId":1', 400, "NOT_JSON"),
        (b'{"externalUserId":1,"data":"\xff"}', 400, "NOT_JSON"),
        (b"5XQ", 400, "NOT_JSON"),
        (b'"x" \xff', 400, "NOT_JSON"),
        (b"[1" + DEEP, 400, "NOT_JSON"),
        (
            json.dumps({"externalUserId": "ana", "data": {"a": [[[[[[[[1]]]]]]]]}}).encode(),
            413,
            "DATA_TOO_LARGE",
        ),
        (json.dumps({"externalUserId": "ana", "data": {"a": "x" * 17_000}}).encode(), 413, "DATA_TOO_LARGE"),
        (b'{"externalUserId":"ana","data":{"a":"' + b"x" * 1_100_000 + b'"}}', 413, "BODY_TOO_LARGE"),
        (b"[]", 400, "BODY_INVALID"),
        (b"null", 400, "BODY_INVALID"),
        (b'"text"', 400, "BODY_INVALID"),
        (b"{}", 400, "BODY_INVALID"),
        (b'{"externalUserId":null}', 400, "BODY_INVALID"),
        (b'{"externalUserId":1}', 400, "BODY_INVALID"),
        (b'{"externalUserId":""}', 400, "BODY_INVALID"),
        (b'{"externalUserId":"a/b"}', 400, "BODY_INVALID"),
        (b'{"externalUserId":"a\\nb"}', 400, "BODY_INVALID"),
        (b'{"externalUserId":"ana\\n"}', 400, "BODY_INVALID"),
        (b'{"externalUserId":"a\\u0000b"}', 400, "BODY_INVALID"),
        (json.dumps({"externalUserId": "x" * 201}).encode(), 400, "BODY_INVALID"),
        (b'{"externalUserId":"ana","data":[]}', 400, "BODY_INVALID"),
        (b'{"externalUserId":"ana","data":null}', 400, "BODY_INVALID"),
        (b'{"externalUserId":"ana","isTest":"yes"}', 400, "BODY_INVALID"),
        (b'{"externalUserId":"ana","isTest":1}', 400, "BODY_INVALID"),
        (b'{"externalUserId":"ana","sessionKey":""}', 400, "BODY_INVALID"),
        (b'{"externalUserId":"ana","occurredAt":"yesterday"}', 400, "BODY_INVALID"),
        (b'{"externalUserId":"ana","occurredAt":"2026-01-01T00:00:00"}', 400, "BODY_INVALID"),
        (b'{"externalUserId":"ana","occurredAt":"2000-01-01T00:00:00Z"}', 400, "OCCURRED_AT_OUT_OF_RANGE"),
        (b'{"externalUserId":"ana","occurredAt":"9999-12-31T23:59:59Z"}', 400, "OCCURRED_AT_OUT_OF_RANGE"),
        (b'{"externalUserId":"ana","occurredAt":"0001-01-01T00:00:00+14:00"}', 400, None),
        (b'{"externalUserId":"ana","points":1000}', 400, "BODY_INVALID"),
        (b'{"externalUserId":"ana","externaluserid":"ana"}', 400, "BODY_INVALID"),
    ],
)
def test_a_bad_event_is_refused(world: World, body: bytes, status: int, code: str | None) -> None:
    answer = world.post(POINTS, body)

    assert answer.status_code == status, answer.content
    error = answer.json()["error"]
    assert code is None or error["code"] == code
    assert set(error) - {"problems"} == {"code", "message", "params"}
    assert answer.json()["requestId"] == answer.headers["X-Request-ID"]


def test_every_problem_is_listed_with_a_pointer(world: World) -> None:
    answer = world.post(POINTS, {"data": [], "isTest": 3, "sessionKey": "", "unknown/key": 1})

    problems = {problem["pointer"]: problem["code"] for problem in answer.json()["error"]["problems"]}
    assert problems == {
        "/externalUserId": "KEY_MISSING",
        "/data": "VALUE_INVALID",
        "/isTest": "VALUE_INVALID",
        "/sessionKey": "VALUE_INVALID",
        "/unknown~1key": "KEY_UNKNOWN",
    }


OUTLANDISH_TIMES = ["{now}+17:58", "{now}-23:59", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"]


@pytest.mark.parametrize("time", OUTLANDISH_TIMES)
def test_a_time_that_postgresql_does_not_read_is_no_500(world: World, time: str) -> None:
    at = time.format(now=clock.now().strftime("%Y-%m-%dT%H:%M:%S"))
    scene = {"externalGameId": "g1", "externalTaskId": "t1", "externalUserId": "ana", "astJson": AT_ANY_HOUR}
    answers = [
        world.post(POINTS, {"externalUserId": "ana", "occurredAt": at, "data": {"a": "\0"}}),
        world.post("/strategies/custom/simulate", {**scene, "occurredAt": at}),
        world.post("/keys", {"name": "k", "scopes": ["read"], "expiresAt": at}),
        world.get(f"/scores?since={quote(at)}"),
        world.get(f"/scores?until={quote(at)}"),
        world.get("/keys"),
    ]
    assert [answer.status_code for answer in answers if answer.status_code not in {200, 201, 400}] == []


@pytest.mark.parametrize(
    "content_type",
    ["", "text/plain", "application/xml", "multipart/form-data", "application/x-www-form-urlencoded"],
)
def test_anything_but_json_is_415(world: World, content_type: str) -> None:
    answer = world.client.generic(
        "POST",
        f"/api/v1{POINTS}",
        b'{"externalUserId":"ana"}',
        content_type,
        headers={"X-API-Key": world.key},
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize("key", ["", "x", "a.b", "0" * 12 + "." + "x" * 43, "ä", SQL, "x" * 10_000, "\x00"])
def test_a_bad_api_key_is_401_everywhere(world: World, key: str) -> None:
    world.key = key
    for method, path in [("POST", POINTS), ("GET", "/games"), ("POST", "/strategies/custom")]:
        answer = world.request(method, path, {"externalUserId": "ana"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (401, "UNAUTHENTICATED")


@pytest.mark.parametrize(
    "name", ["nothing", SQL, SCRIPT, "%00", "a%00b", "x" * 300, "%F0%9F%98%80", "%ff", "..", "a%2Fb"]
)
def test_names_that_are_not_there_are_404(world: World, name: str) -> None:
    paths = [
        ("POST", f"/games/{name}/tasks/t1/points"),
        ("POST", f"/games/g1/tasks/{name}/points"),
        ("GET", f"/games/{name}"),
        ("GET", f"/games/g1/tasks/{name}"),
        ("GET", f"/scores/{name}"),
        ("GET", f"/scores/{uuid.uuid4()}"),
        ("GET", f"/scores/{uuid.uuid4()}/explain"),
        ("GET", f"/users/{name}/points"),
        ("GET", f"/strategies/{name}"),
        ("GET", f"/strategies/custom/{name}"),
        ("POST", f"/strategies/custom/{name}/publish"),
        ("PUT", f"/strategies/custom/{name}"),
    ]
    for method, path in paths:
        body = {"externalUserId": "ana"} if path.endswith("points") else {"astJson": "none"}
        answer = world.request(method, path, None if method == "GET" else body)
        assert answer.status_code in {404} | ({405} if name == ".." else set()), (
            method,
            path,
            answer.content,
        )
        assert answer.json()["error"]["code"]


def test_another_realms_ids_are_404(world: World, other_world: World) -> None:
    theirs = other_world.task("theirs")
    strategy = other_world.strategy("Theirs", constant_program(1))
    paths = [
        ("POST", f"/games/{other_world.game.pk}/tasks/{theirs.pk}/points", {"externalUserId": "ana"}),
        ("POST", f"/games/{world.game.pk}/tasks/{theirs.pk}/points", {"externalUserId": "ana"}),
        ("GET", f"/games/{other_world.game.pk}", None),
        ("GET", f"/games/{other_world.game.pk}/tasks", None),
        ("GET", f"/strategies/{strategy.pk}", None),
        ("GET", f"/strategies/custom/{strategy.slug}", None),
        ("PUT", f"/strategies/custom/{strategy.pk}", {"astJson": constant_program(2)}),
        ("POST", f"/strategies/custom/{strategy.pk}/publish", None),
        ("POST", f"/strategies/custom/{strategy.pk}/archive", {}),
        ("POST", "/games", {"externalGameId": "g2", "platform": "p", "strategyId": str(strategy.pk)}),
    ]
    for method, path, body in paths:
        assert world.request(method, path, body).status_code == 404, (method, path)
    assert strategy.versions.count() == 1
    assert Game.objects.filter(realm=world.realm).count() == 1
    other_world.realm.refresh_from_db()


def test_sql_and_script_in_names_are_only_names(world: World) -> None:
    for name in (SQL, SCRIPT.replace("/", "")):
        assert world.post("/games", {"externalGameId": name, "platform": SCRIPT}).status_code == 201
        assert world.get(f"/games/{name}").json()["externalGameId"] == name


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"externalGameId": "g"},
        {"externalGameId": "g", "platform": 1},
        {"externalGameId": "g/h", "platform": "p"},
        {"externalGameId": "g", "platform": "p", "timeZone": "Mars/Base"},
        {"externalGameId": "g", "platform": "p", "timeZone": "../../etc/passwd"},
        {"externalGameId": "g", "platform": "p", "params": [{"key": "k"}]},
        {"externalGameId": "g", "platform": "p", "params": [{"key": "k", "value": "\0"}]},
        {"externalGameId": "g", "platform": "p", "params": [{"key": "k", "value": 1e300}]},
        {"externalGameId": "g", "platform": "p", "variables": {"no_such": 1}},
        {"externalGameId": "g", "platform": "p", "variables": {"variable_basic_points": "1"}},
        {"externalGameId": "g", "platform": "p", "variables": {"variable_basic_points": 1e300}},
        {"externalGameId": "g", "platform": "p", "variables": {"variable_basic_points": None}},
    ],
)
def test_a_bad_game_is_refused(world: World, body: dict[str, Any]) -> None:
    answer = world.post("/games", body)

    assert answer.status_code == 400, answer.content
    assert Game.objects.count() == 1


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"externalTaskId": ""},
        {"externalTaskId": "t", "strategyId": 5},
        {"externalTaskId": "t", "variables": []},
        {"externalTaskId": "t", "variables": {"variable_basic_points": True}},
        {"externalTaskId": "t", "status": "closed"},
    ],
)
def test_a_bad_task_is_refused(world: World, body: dict[str, Any]) -> None:
    assert world.post("/games/g1/tasks", body).status_code == 400
    assert Task.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"name": "S", "type": "NOTHING", "astJson": {}}, 400),
        ({"name": "S", "type": "FULL", "astJson": None}, 422),
        ({"name": "S", "type": "FULL", "astJson": []}, 422),
        ({"name": "S", "type": "FULL", "astJson": "program"}, 422),
        ({"name": "S", "type": "FULL", "astJson": {"type": "program"}}, 422),
        ({"name": "S", "type": "FULL", "astJson": constant_program(1) | {"id": "\0"}}, 422),
        ({"name": "S", "type": "FULL", "astJson": constant_program(1), "parentStrategyId": "default"}, 400),
        ({"name": "S", "type": "EXTEND", "astJson": constant_program(1)}, 400),
        ({"name": "S", "type": "EXTEND", "astJson": constant_program(1), "parentStrategyId": "none"}, 404),
        ({"name": "\0", "type": "FULL", "astJson": constant_program(1)}, 400),
        ({"name": "x" * 201, "type": "FULL", "astJson": constant_program(1)}, 400),
        ({"name": "S", "type": "FULL", "astJson": constant_program(1), "description": "\0"}, 400),
        ({"name": "S", "type": "FULL", "astJson": constant_program(1e12)}, 201),
    ],
)
def test_a_bad_strategy_is_refused(world: World, body: dict[str, Any], status: int) -> None:
    answer = world.post("/strategies/custom", body)

    assert answer.status_code == status, answer.content
    assert Strategy.objects.filter(realm=world.realm).exists() == (status == 201)


def test_a_program_nested_beyond_all_reason_is_refused(world: World) -> None:
    nested = b'{"type":"not","arg":' * 5_000 + b"1" + b"}" * 5_000
    body = b'{"name":"S","type":"FULL","astJson":' + nested + b"}"
    assert world.post("/strategies/custom", body).status_code in {400, 422}


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=501",
        "limit=x",
        "limit=-1",
        "limit=1e2",
        "limit=١",
        "limit=",
        "cursor=x",
        "cursor=%00",
        "cursor=",
    ],
)
def test_bad_paging_is_400(world: World, query: str) -> None:
    for path in ("/games", "/games/g1/tasks", "/strategies", "/strategies/custom"):
        answer = world.get(f"{path}?{query}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "QUERY_INVALID"), path


def test_a_method_that_is_not_there_is_405(world: World) -> None:
    for method, path in [
        ("DELETE", "/games"),
        ("PUT", POINTS),
        ("PATCH", POINTS),
        ("POST", "/strategies/default"),
    ]:
        answer = world.request(method, path)
        assert (answer.status_code, answer.json()["error"]["code"]) == (405, "METHOD_NOT_ALLOWED"), (
            method,
            path,
        )
        assert answer.headers["Allow"]


def test_an_unknown_path_is_404_in_the_same_shape(world: World) -> None:
    answer = world.get("/nothing/here")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize("given", ["", "x" * 65, "a b", "a\nb", "ä", SCRIPT])
def test_a_malformed_request_id_is_replaced(world: World, given: str) -> None:
    answer = world.request("GET", "/games", x_request_id=given)
    assert uuid.UUID(answer.headers["X-Request-ID"]).version == 7


def test_a_well_formed_request_id_is_kept_even_on_an_error(world: World) -> None:
    answer = world.request("GET", "/games/none", x_request_id="My.id_1-2")
    assert answer.headers["X-Request-ID"] == answer.json()["requestId"] == "My.id_1-2"
