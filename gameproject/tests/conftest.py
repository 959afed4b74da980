"""The service as it is served: granian with two processes, over the tests' own database."""

import http.client
import json
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings
from django.db import connection

from ops.local import children
from strategies.tests.conftest import World, fresh_caches, make_world, world

__all__ = ["fresh_caches", "world"]

START_SECONDS = 30.0


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    headers: dict[str, str]


@dataclass(frozen=True)
class Web:
    """A running server; every call is a connection of its own, so that either process may get it."""

    port: int

    def call(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        http_connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            sent = None if body is None else json.dumps(body).encode()
            http_connection.request(method, path, sent, {"Content-Type": "application/json", **headers})
            response = http_connection.getresponse()
            return Answer(
                response.status, json.loads(response.read() or b"null"), dict(response.getheaders())
            )
        finally:
            http_connection.close()

    def api(self, world: World, method: str, path: str, body: object = None) -> Answer:
        return self.call(method, f"/api/v1{path}", body, **{"X-API-Key": world.key})

    def score(self, world: World, user: str, task: str = "t1") -> Answer:
        path = f"/games/{world.game.external_id}/tasks/{task}/points"
        return self.api(world, "POST", path, {"externalUserId": user})


@pytest.fixture
def web(world: World) -> Iterator[Web]:
    """Serve the test's database with two processes of four threads."""
    with serve(n_processes=2) as web:
        yield web


@contextmanager
def serve(*, n_processes: int, log_file: Path | None = None, **environment: str) -> Iterator[Web]:
    """Serve the tests' database as production does, each process with four threads; keep its log if asked to."""
    port = _free_port()
    command = [
        *(str(Path(sys.executable).parent / "granian"), "--interface", "wsgi", "--host", "127.0.0.1"),
        *("--port", str(port), "--workers", str(n_processes), "--blocking-threads", "4", "--no-ws"),
        *("--log-config", str(settings.BASE_DIR / "gameproject" / "granian_logs.json")),
        "gameproject.wsgi:application",
    ]
    variables = {
        "SCORING_DEADLINE_SECONDS": "10",
        **os.environ,
        "DATABASE_URL": database_url(),
        **environment,
    }
    with log_file.open("w+b") if log_file else tempfile.TemporaryFile() as log:
        process = children.spawn(command, environment=variables, output=log)
        try:
            yield _ready(Web(port), process, log)
        finally:
            children.stop(process, stop_signal=signal.SIGTERM, seconds=10)


def database_url() -> str:
    known = connection.settings_dict
    where = urlencode({key: known[key.upper()] for key in ("host", "port") if known[key.upper()]})
    user = f"{known['USER']}:{known['PASSWORD']}".rstrip(":")
    return f"postgresql://{user}@/{known['NAME']}?{where}"


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _ready(web: Web, process: Any, log: Any) -> Web:
    give_up = time.monotonic() + START_SECONDS
    while time.monotonic() < give_up and process.poll() is None:
        try:
            if web.call("GET", "/healthz").status == 200:
                return web
        except OSError:
            time.sleep(0.05)
    log.seek(0)
    raise AssertionError(f"the web server did not start:\n{log.read().decode()[-3000:]}")


__all__ += ["make_world"]
