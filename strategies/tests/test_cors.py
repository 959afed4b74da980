"""A browser may read every answer, the failed ones too, where its page's origin is allowed; no other page may."""

from collections.abc import Callable
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from strategies.models import ApiKey
from strategies.tests.conftest import World

ORIGIN = "https://play.example.org"
EVIL = "https://play.example.org.evil.example"


@pytest.fixture(autouse=True)
def one_allowed_origin(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = [ORIGIN]


def with_bad_key(world: World, origin: str) -> Any:
    world.key = "wrong"
    return world.request("GET", "/games", origin=origin)


def throttled(world: World, origin: str) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("strategies.throttling.Buckets.take", lambda *_: 1.5)
        ApiKey.objects.update(key_rate=None)
        return world.request("GET", "/games", origin=origin)


def failing(world: World, origin: str) -> Any:
    def fail(*_: object) -> None:
        raise RuntimeError("unforeseen")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("strategies.selectors.game_by_name", fail)
        return world.request("GET", "/games/g1", origin=origin)


ANSWERS: dict[int, Callable[[World, str], Any]] = {
    200: lambda world, origin: world.request("GET", "/games", origin=origin),
    201: lambda world, origin: world.post("/games", {"externalGameId": "g2", "platform": "p"}, origin=origin),
    400: lambda world, origin: world.post("/games", {}, origin=origin),
    401: with_bad_key,
    404: lambda world, origin: world.request("GET", "/games/none", origin=origin),
    405: lambda world, origin: world.request("DELETE", "/games", origin=origin),
    409: lambda world, origin: world.post("/games", {"externalGameId": "g1", "platform": "p"}, origin=origin),
    415: lambda world, origin: world.client.post(
        "/api/v1/games", b"{}", "text/plain", HTTP_X_API_KEY=world.key, HTTP_ORIGIN=origin
    ),
    429: throttled,
    500: failing,
}


@pytest.mark.parametrize("status", ANSWERS)
def test_every_answer_may_be_read_by_an_allowed_page_and_by_no_other(world: World, status: int) -> None:
    allowed = ANSWERS[status](world, ORIGIN)

    assert allowed.status_code == status
    assert allowed.headers["Access-Control-Allow-Origin"] == ORIGIN
    assert allowed.headers["Access-Control-Expose-Headers"] == "X-Request-ID, Retry-After"
    assert "Access-Control-Allow-Credentials" not in allowed.headers
    assert "origin" in allowed.headers["Vary"].lower()
    assert allowed.headers["X-Request-ID"]
    refused = ANSWERS[404](world, EVIL)
    assert "Access-Control-Allow-Origin" not in refused.headers


def test_an_unknown_path_may_be_read_too(world: World) -> None:
    answer = world.client.get("/api/v2/nothing", HTTP_ORIGIN=ORIGIN)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (404, ORIGIN)


def preflight(world: World, origin: str) -> Any:
    return world.client.options(
        "/api/v1/games/g1/tasks/t1/points",
        HTTP_ORIGIN=origin,
        HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST",
        HTTP_ACCESS_CONTROL_REQUEST_HEADERS="x-api-key,content-type,idempotency-key",
    )


def test_a_preflight_needs_no_key(world: World) -> None:
    answer = preflight(world, ORIGIN)

    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == ORIGIN
    allowed = {name.strip() for name in answer.headers["Access-Control-Allow-Headers"].split(",")}
    assert {"x-api-key", "content-type", "idempotency-key", "x-request-id"} <= allowed
    assert {"POST", "PUT", "PATCH", "DELETE"} <= set(
        answer.headers["Access-Control-Allow-Methods"].split(", ")
    )
    assert int(answer.headers["Access-Control-Max-Age"]) >= 3600
    assert "Access-Control-Allow-Origin" not in preflight(world, EVIL).headers


@pytest.fixture
def no_origins(settings: Settings) -> None:
    settings.CORS_ALLOWED_ORIGINS = []


def test_without_the_setting_no_page_may_read_anything(world: World, no_origins: None) -> None:
    for answer in (ANSWERS[200](world, ORIGIN), preflight(world, ORIGIN)):
        assert "Access-Control-Allow-Origin" not in answer.headers


def test_an_answer_without_origin_is_marked_for_caches_and_has_no_other_header(world: World) -> None:
    answer = world.get("/games")
    assert "origin" in answer.headers["Vary"].lower()
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_the_admin_may_be_read_by_no_other_page(world: World) -> None:
    answer = world.client.get("/admin/login/", HTTP_ORIGIN=ORIGIN)
    assert "Access-Control-Allow-Origin" not in answer.headers
