"""Both ways to an answer, as a server calls them: past Django's handling, and through it."""

import io
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, NamedTuple

import pytest
from django.core.handlers.wsgi import WSGIHandler

from gameproject.fast_path import FastPath
from strategies.tests.conftest import World, constant_program, data_program, make_world
from strategies.tests.test_round_trips import reads_everything

EVENT: Final = {"externalUserId": "ana", "data": {"minutes": 12}}
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
