"""The fast path gives the answers of Django's handling, leaves what that leaves, and passes on what is not plain."""

import gc
import io
import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final, NamedTuple

import pytest
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import got_request_exception
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as some
from prometheus_client import REGISTRY
from pytest_django import Settings
from redis import Redis

from gameproject.fast_path import FastPath
from gameproject.lib import request_context
from gameproject.lib.errors import DomainError, Unavailable
from observability import request_records, trace_messages
from observability.models import RefusalCount
from observability.request_records import Seen
from observability.tests.conftest import redis
from strategies import dsl, keys, scoring
from strategies.models import Score
from strategies.models.tenancy import Scope
from strategies.tests.conftest import World, constant_program, data_program, fresh_caches, make_world, world
from strategies.tests.test_round_trips import reads_everything

__all__ = ["fresh_caches", "redis", "world"]
EVENT: Final = {"externalUserId": "ana", "data": {"minutes": 12}}


class Answer(NamedTuple):
    status: str
    headers: dict[str, str]
    body: Any


class Server:
    """A WSGI application as a server calls it. `passed_on`: the requests that came to Django's handling."""

    def __init__(self, *, is_fast: bool) -> None:
        django = WSGIHandler()
        self.passed_on: list[dict[str, Any]] = []

        def counted(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
            self.passed_on.append(environ)
            return django(environ, start_response)

        self.application: Callable[..., Any] = FastPath(counted) if is_fast else counted

    def begin(self, environ: Mapping[str, Any]) -> tuple[Answer, Any]:
        """Take an answer and do not close it."""
        began: list[tuple[str, list[tuple[str, str]]]] = []
        parts = self.application(dict(environ), lambda *begin: began.append(begin))
        raw = b"".join(parts)
        ((status, headers),) = began
        names = [name.lower() for name, _ in headers]
        assert len(names) == len(set(names))
        told = dict(headers)
        assert told.pop("Content-Length") == str(len(raw))
        is_json = told.get("Content-Type") == "application/json"
        return Answer(status, told, json.loads(raw) if is_json else raw), parts

    def send(self, environ: Mapping[str, Any]) -> Answer:
        answer, parts = self.begin(environ)
        if hasattr(parts, "close"):
            parts.close()
        return answer


def request(world: World, body: object = EVENT, **changes: Any) -> dict[str, Any]:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    environ = {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": "/api/v1/games/g1/tasks/t1/points",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "localhost",
        "REMOTE_ADDR": "10.0.0.9",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(raw)),
        "HTTP_X_API_KEY": world.key,
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(raw),
        **changes,
    }
    return {name: value for name, value in environ.items() if value is not None}


@pytest.fixture
def fast(world: World) -> Server:  # settings and tables first
    return Server(is_fast=True)


@pytest.fixture
def plain(world: World) -> Server:
    return Server(is_fast=False)


@pytest.fixture
def twin(world: World) -> World:
    """Another realm with the same in it."""
    twin = make_world("other")
    for each in (world, twin):
        each.task("t1", each.strategy("Minutes", data_program()))
        each.task("t2", each.strategy("Everything", reads_everything()))
        each.task("closed", each.strategy("One", constant_program(1)), status="closed")
    return twin


UNLIKE: Final = ("scoreId", "createdAt", "requestId", "gameId", "taskId")  # of each answer its own


def alike(answer: Answer) -> Answer:
    """Leave out what no two answers have in common."""
    headers = {name: value for name, value in answer.headers.items() if name != "X-Request-ID"}
    return Answer(answer.status, headers, _without(answer.body))


def _without(body: Any) -> Any:
    if isinstance(body, dict):
        return {name: _without(value) for name, value in body.items() if name not in UNLIKE}
    return body


# ── The same answers ─────────────────────────────────────────────────────────────────────────────
SCORED: Final[dict[str, dict[str, Any]]] = {
    "plain": {},
    "with a key": {"HTTP_IDEMPOTENCY_KEY": "k1"},
    "the same key again": {"HTTP_IDEMPOTENCY_KEY": "k1"},
    "a test": {"body": {**EVENT, "isTest": True}},
    "all fields": {"body": {**EVENT, "occurredAt": None, "sessionKey": "s"}},
    "with facts": {"PATH_INFO": "/api/v1/games/g1/tasks/t2/points"},
    "another charset": {"CONTENT_TYPE": "application/json; charset=utf-8"},
    "a query": {"QUERY_STRING": "a=b"},
    "a request id": {"HTTP_X_REQUEST_ID": "mine-1"},
    "a request id that is none": {"HTTP_X_REQUEST_ID": "no id"},
}
REFUSED: Final[dict[str, dict[str, Any]]] = {
    "no key": {"HTTP_X_API_KEY": None},
    "a key that is none": {"HTTP_X_API_KEY": "abc.def"},
    "another event with the key": {"body": {"externalUserId": "ben"}, "HTTP_IDEMPOTENCY_KEY": "k1"},
    "a bad key of the event": {"HTTP_IDEMPOTENCY_KEY": " "},
    "no such game": {"PATH_INFO": "/api/v1/games/none/tasks/t1/points"},
    "no such task": {"PATH_INFO": "/api/v1/games/g1/tasks/none/points"},
    "a closed task": {"PATH_INFO": "/api/v1/games/g1/tasks/closed/points"},
    "a path that is not ASCII": {"PATH_INFO": "/api/v1/games/gr\u00c3\u00bcn/tasks/t1/points"},
    "no type": {"CONTENT_TYPE": None},
    "another type": {"CONTENT_TYPE": "text/plain"},
    "no length": {"CONTENT_LENGTH": None},
    "a length that is none": {"CONTENT_LENGTH": "x"},
    "a negative length": {"CONTENT_LENGTH": "-5"},
    "too long": {"CONTENT_LENGTH": str(10**8)},
    "no JSON": {"body": b"{"},
    "no event": {"body": {"externalUserId": 5, "more": 1}},
    "too much data": {"body": {"externalUserId": "ana", "data": {"x": "y" * 20_000}}},
    "long ago": {"body": {**EVENT, "occurredAt": "2001-01-01T00:00:00Z"}},
    "a run that fails": {"body": {"externalUserId": "ana", "data": {"minutes": "x"}}},
    "GET": {"REQUEST_METHOD": "GET"},
    "PUT": {"REQUEST_METHOD": "PUT"},
    "OPTIONS": {"REQUEST_METHOD": "OPTIONS"},
    "another path": {"PATH_INFO": "/api/v1/games/g1/tasks/t1/points/"},
}


def test_what_is_scored_is_answered_alike_and_here(
    world: World, twin: World, fast: Server, plain: Server
) -> None:
    for name, changes in SCORED.items():
        answers = [
            alike(server.send(request(of, **changes))) for server, of in ((fast, world), (plain, twin))
        ]
        assert answers[0] == answers[1], name
        assert answers[0].status[0] == "2", name
    assert fast.passed_on == []
    assert Score.objects.filter(realm=world.realm).count() == Score.objects.filter(realm=twin.realm).count()


def test_what_is_refused_is_answered_alike_by_the_others_handling(
    world: World, twin: World, fast: Server, plain: Server
) -> None:
    for server, of in ((fast, world), (plain, twin)):
        server.send(request(of, HTTP_IDEMPOTENCY_KEY="k1"))
    for name, changes in REFUSED.items():
        answers = [
            alike(server.send(request(of, **changes))) for server, of in ((fast, world), (plain, twin))
        ]
        assert answers[0] == answers[1], name
        assert name in {"GET", "OPTIONS"} or answers[0].status[0] == "4", name
    assert len(fast.passed_on) == len(REFUSED)
    assert Score.objects.count() == 2


@hypothesis_settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    body=some.binary(max_size=40)
    | some.dictionaries(
        some.sampled_from(["externalUserId", "data", "isTest", "sessionKey", "occurredAt", "none"]),
        some.none()
        | some.booleans()
        | some.text(max_size=5)
        | some.dictionaries(
            some.sampled_from(["minutes", "x"]), some.integers(-5, 90) | some.floats() | some.text(max_size=3)
        ),
    )
)
def test_whatever_is_sent_is_answered_alike(world: World, fast: Server, plain: Server, body: object) -> None:
    if not world.game.tasks.exists():
        world.task("t1", world.strategy("Minutes", data_program()))
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()

    answers = [alike(server.send(request(world, raw))) for server in (fast, plain)]

    for answer in answers:
        answer.body.pop("isACreatedUser", None)
    assert answers[0] == answers[1]


def test_a_key_without_the_scope_and_a_player_too_often_are_told_as_ever(
    world: World, twin: World, fast: Server, plain: Server
) -> None:
    for of, server in ((world, fast), (twin, plain)):
        _, reader = keys.create_api_key(realm=of.realm, name="reads", scopes=[Scope.READ])
        _, once = keys.create_api_key(
            realm=of.realm, name="once", scopes=[Scope.SCORE], player_rate=1, player_burst=1
        )
        assert server.send(request(of, HTTP_X_API_KEY=reader)).status == "403 Forbidden"
        assert server.send(request(of, HTTP_X_API_KEY=once)).status == "201 Created"
        refused = server.send(request(of, HTTP_X_API_KEY=once))
        assert (refused.status, refused.headers["Retry-After"]) == ("429 Too Many Requests", "1")


# ── What is not plain ────────────────────────────────────────────────────────────────────────────
def test_a_browser_of_another_origin_gets_its_headers(world: World, twin: World, settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = ["https://shop.example"]
    fast, plain = Server(is_fast=True), Server(is_fast=False)
    for changes in ({}, {"HTTP_ORIGIN": "https://shop.example"}, {"HTTP_ORIGIN": "https://else.example"}):
        answers = [
            alike(server.send(request(of, **changes))) for server, of in ((fast, world), (plain, twin))
        ]
        assert answers[0] == answers[1]
    assert len(fast.passed_on) == 2


@pytest.mark.parametrize("behind_proxy", [False, True])
def test_plain_http_is_redirected_where_https_is_required(
    world: World, twin: World, settings: Settings, behind_proxy: bool
) -> None:
    settings.SECURE_SSL_REDIRECT, settings.SECURE_HSTS_SECONDS = True, 3600
    secure = {"HTTP_X_FORWARDED_PROTO": "https"} if behind_proxy else {"wsgi.url_scheme": "https"}
    if behind_proxy:
        settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    fast, plain = Server(is_fast=True), Server(is_fast=False)

    for changes in ({}, {"HTTP_X_FORWARDED_PROTO": "http"}, secure):
        answers = [
            alike(server.send(request(of, **changes))) for server, of in ((fast, world), (plain, twin))
        ]
        assert answers[0] == answers[1]

    assert len(fast.passed_on) == 2
    assert answers[0].headers["Strict-Transport-Security"].startswith("max-age=3600")


def test_what_sentry_draws_is_djangos(world: World, twin: World, fast: Server, settings: Settings) -> None:
    settings.SENTRY_DSN, settings.SENTRY_TRACES_SAMPLE_RATE = "https://k@sentry.invalid/1", 0.0
    fast.send(request(world))
    assert fast.passed_on == []

    settings.SENTRY_TRACES_SAMPLE_RATE = 1.0
    fast.send(request(world))
    assert len(fast.passed_on) == 1


# ── What requests leave ──────────────────────────────────────────────────────────────────────────
@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> list[Seen]:
    """Hold the records of requests."""
    noted: list[Seen] = []

    class Collector:
        add = staticmethod(noted.append)

    monkeypatch.setattr(request_records, "collector", Collector)
    return noted


def counted(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


def figures() -> dict[str, float]:
    route = request_records.POINTS_ROUTE
    return {
        "requests": counted("scoring_http_requests_total", route=route, method="POST", status_class="2xx"),
        "refused": counted("scoring_http_requests_total", route=route, method="POST", status_class="4xx"),
        "timed": counted("scoring_http_request_duration_seconds_count", route=route),
        "scored": counted("scoring_score_duration_seconds_count", mode="single", outcome="award"),
        "failed": counted("scoring_score_duration_seconds_count", mode="single", outcome="error"),
        "in progress": counted("scoring_requests_in_progress", route="points"),
    }


@pytest.mark.parametrize("changes", [{}, {"PATH_INFO": "/api/v1/games/g1/tasks/none/points"}])
def test_a_request_is_noted_and_counted_once_as_ever(
    world: World, twin: World, noted: list[Seen], changes: dict[str, Any]
) -> None:
    left = []
    for server, of in ((Server(is_fast=True), world), (Server(is_fast=False), twin)):
        before = figures()
        answer = server.send(request(of, **changes))
        after = figures()
        seen = noted.pop()
        assert noted == []
        assert seen.request_id == answer.headers["X-Request-ID"]
        assert seen.key_prefix == of.key.partition(".")[0]
        left.append(
            (
                seen._replace(ended_at=0, seconds=0, request_id="", key_prefix=""),
                {name: after[name] - before[name] for name in after},
            )
        )
    assert left[0] == left[1]
    assert sum(left[0][1].values()) > 0


def test_a_request_that_fails_is_timed_from_its_beginning(
    world: World, fast: Server, noted: list[Seen], monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(**_: object) -> None:
        time.sleep(0.2)
        raise Unavailable("Too late.", code="DSL_TIMEOUT")

    monkeypatch.setattr(scoring, "score", slow)

    assert fast.send(request(world)).status == "503 Service Unavailable"
    assert noted[0].seconds >= 0.2


@pytest.fixture
def errors_left() -> Iterator[Callable[[], list[str]]]:
    """Say which errors are still in memory, while Python does not look for circles.

    It does so seldom in web processes (gameproject/wsgi.py), and a traceback holds the request's body.
    """

    def errors() -> list[Exception]:
        return [each for each in gc.get_objects() if isinstance(each, DomainError | dsl.RunError)]

    gc.collect()
    before = errors()  # what other tests keep
    known = {id(each) for each in before}
    gc.disable()
    yield lambda: [repr(each) for each in errors() if id(each) not in known]
    gc.enable()
    before.clear()


@pytest.mark.parametrize("is_fast", [True, False])
def test_no_refusal_stays_in_memory(
    world: World, twin: World, errors_left: Callable[[], list[str]], is_fast: bool
) -> None:
    server = Server(is_fast=is_fast)
    for name, changes in REFUSED.items():
        server.send(request(world, **changes))
        assert errors_left() == [], name
    del twin


def test_no_refusal_of_a_batch_stays_in_memory(
    world: World,
    twin: World,
    errors_left: Callable[[], list[str]],
) -> None:
    one = {"gameId": "g1", "externalTaskId": "t1", "externalUserId": "ana", "data": {"minutes": 1}}
    events = [
        *({**one, "externalTaskId": "none"}, {**one, "externalTaskId": "none"}, {**one, "externalUserId": 5}),
        *({**one, "data": {"minutes": "x"}}, {**one, "data": {"x": "y" * 20_000}}),
        *({**one, "idempotencyKey": "k"}, {**one, "data": {}, "idempotencyKey": "k"}),
        {**one, "externalTaskId": "closed", "idempotencyKey": "k"},
    ]
    for _ in range(2):  # the second time the key is a stored score's
        answer = Server(is_fast=True).send(
            request(world, {"events": events}, PATH_INFO="/api/v1/scores/batch")
        )
        assert {result["status"] // 100 for result in answer.body["results"]} == {2, 4}
        assert errors_left() == []
    del twin


@pytest.mark.parametrize("is_fast", [True, False])
def test_denied_scoring_is_counted(world: World, twin: World, is_fast: bool) -> None:
    _, reader = keys.create_api_key(realm=world.realm, name="reads", scopes=[Scope.READ])
    server = Server(is_fast=is_fast)

    assert server.send(request(world, HTTP_X_API_KEY=reader)).status == "403 Forbidden"
    path = f"/api/v1/games/{twin.game.pk}/tasks/t1/points"
    assert server.send(request(world, PATH_INFO=path)).status == "404 Not Found"
    server.send(request(world, PATH_INFO="/api/v1/games/none/tasks/t1/points"))

    counted = RefusalCount.objects.values_list("source", "n")
    assert set(counted) == {(f"key {key.partition('.')[0]}", 1) for key in (reader, world.key)}


def test_what_nobody_expects_is_reported_once_with_what_is_known(
    world: World, fast: Server, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[object] = []

    def listen(**about: object) -> None:
        told.append(about["request"])

    def broken(**_: object) -> None:
        request_context.bind(strategy="speed", version="3")
        raise ZeroDivisionError

    monkeypatch.setattr(scoring, "score", broken)
    got_request_exception.connect(listen)
    try:
        answer = fast.send(request(world, HTTP_X_REQUEST_ID="mine-2"))
    finally:
        got_request_exception.disconnect(listen)

    assert (answer.status, answer.headers["X-Request-ID"]) == ("500 Internal Server Error", "mine-2")
    assert answer.body["error"]["code"] == "INTERNAL_ERROR"
    assert len(told) == 1
    assert [record.levelno for record in caplog.records if record.name == "django.request"] == [logging.ERROR]
    assert request_context.bound().items() >= {
        ("request_id", "mine-2"),
        ("realm", "acme"),
        ("strategy", "speed"),
        ("version", "3"),
    }


def test_traces_are_handed_over_when_the_answer_has_been_sent(
    world: World, twin: World, fast: Server, redis: Redis
) -> None:
    _, parts = fast.begin(request(world))
    assert redis.llen(trace_messages.QUEUE) == 0

    parts.close()
    assert redis.llen(trace_messages.QUEUE) == 1

    fast.send(request(world, {"externalUserId": "ana", "data": {"minutes": "x"}}))
    assert redis.llen(trace_messages.QUEUE) == 2
