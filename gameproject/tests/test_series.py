"""However many requests of whatever kind there were, the metrics stay few."""

import http.client
import re
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest
import yaml
from django.conf import settings
from redis import Redis

from gameproject.tests.conftest import serve
from observability.tests.conftest import redis, running_worker, wait_until
from ops.local.run import ROOT
from strategies.demo import GAME, TASKS, ensure_demo
from strategies.demo.traffic import Traffic

__all__ = ["redis"]

MAX_SERIES = 1000
N_REQUESTS = 1000
NAMES = (GAME, *TASKS, "citizen-science", "ana", "nobody", "1")
Sent = tuple[str, str, bytes]

pytestmark = pytest.mark.usefixtures("transactional_db")


def lifelike() -> Iterator[Sent]:
    return ((each.method, each.path, each.body) for each in Traffic(seed=1, run="series", n_players=500))


def anything(draw: Random) -> Iterator[Sent]:
    """Yield requests of all that the API offers."""
    paths = yaml.safe_load((ROOT / "docs" / "openapi.yaml").read_text())["paths"]
    offered = [(method.upper(), path) for path, methods in paths.items() for method in methods]
    while True:
        method, path = draw.choice(offered)
        path = re.sub(r"\{\w+\}", lambda _: draw.choice(NAMES), path.removeprefix("/api/v1"))
        yield method, path, b"" if method == "GET" else b"{}"


def send(client: http.client.HTTPConnection, key: str, method: str, path: str, body: bytes) -> None:
    try:
        client.request(method, f"/api/v1{path}", body, {"X-API-Key": key, "Content-Type": "application/json"})
        client.getresponse().read()
    except ConnectionError:  # refused before its body was read
        client.close()


def n_series(text: str) -> int:
    return sum(not line.startswith("#") for line in text.splitlines())


def test_a_thousand_random_requests_leave_at_most_a_thousand_series(redis: Redis, tmp_path: Path) -> None:
    key = ensure_demo().api_key
    draw = Random(7)
    makers = (lifelike(), anything(draw))
    folder = str(tmp_path)
    with (
        running_worker(settings.CELERY_TASK_DEFAULT_QUEUE, PROMETHEUS_MULTIPROC_DIR=folder),
        serve(n_processes=2, METRICS_ALLOWED_NETWORKS="127.0.0.0/8", PROMETHEUS_MULTIPROC_DIR=folder) as web,
    ):
        wait_until(lambda: len(list(tmp_path.glob("counter_*.db"))) == 3)
        client = http.client.HTTPConnection("127.0.0.1", web.port, timeout=20)
        for request in (next(draw.choice(makers)) for _ in range(N_REQUESTS)):
            send(client, key, *request)
        client.request("GET", "/metrics")
        text = client.getresponse().read().decode()
        client.close()

    assert "scoring_task_duration_seconds_bucket" in text
    assert text.count("scoring_http_request_duration_seconds_count{") > 35
    assert n_series(text) <= MAX_SERIES
