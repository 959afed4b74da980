"""The fast path leaves what Django's handling leaves: records, counts, reports, traces, and nothing in memory."""

import gc
import logging
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.signals import got_request_exception
from prometheus_client import REGISTRY
from redis import Redis

from gameproject.lib import request_context
from gameproject.lib.errors import DomainError, Unavailable
from gameproject.tests.wsgi import REFUSED, Server, fast, request, twin
from observability import request_records, trace_messages
from observability.models import RefusalCount
from observability.request_records import Seen
from observability.tests.conftest import redis
from strategies import dsl, keys, scoring
from strategies.models.tenancy import Scope
from strategies.tests.conftest import World, fresh_caches, world

__all__ = ["fast", "fresh_caches", "redis", "twin", "world"]


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
