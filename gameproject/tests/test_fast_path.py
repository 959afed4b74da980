"""The fast path gives the answers of Django's handling, and passes on what is not plain."""

import json
from typing import Any, Final

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as some
from pytest_django import Settings

from gameproject.tests.wsgi import EVENT, REFUSED, Server, alike, fast, plain, request, twin
from strategies import keys
from strategies.models import Score
from strategies.models.tenancy import Scope
from strategies.tests.conftest import World, data_program, fresh_caches, world

__all__ = ["fast", "fresh_caches", "plain", "twin", "world"]

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
