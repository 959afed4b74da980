"""One request with an id of its own, found again wherever it has left something."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from redis import Redis

from gameproject.tests.conftest import Web, serve
from gameproject.tests.database import without_triggers
from observability.models import Logs, StrategyExecutionLog
from observability.tests.conftest import redis, running_worker, wait_until
from observability.tests.envelopes import Sentry, listening
from strategies.models import Score, StrategyVersion
from strategies.tests.conftest import World, data_program

__all__ = ["redis"]


@dataclass(frozen=True)
class Service:
    """Web and worker as they run, a Sentry that listens, and both logs."""

    web: Web
    world: World
    sentry: Sentry
    logs: Path

    def call(self, method: str, path: str, request_id: str, body: object = None) -> Any:
        headers = {"X-API-Key": self.world.key, "X-Request-ID": request_id}
        return self.web.call(method, f"/api/v1{path}", body, **headers)

    def score(self, task: str, request_id: str) -> Any:
        event = {"externalUserId": "ana", "data": {"minutes": 12}}
        return self.call("POST", f"/games/g1/tasks/{task}/points", request_id, event)

    def lines(self, name: str, request_id: str) -> list[dict[str, Any]]:
        """Return the records of a request in the log of `web` or `worker`, every line of which is JSON."""
        lines = [json.loads(line) for line in (self.logs / name).read_text().splitlines()]
        return [line for line in lines if line.get("request_id") == request_id]


@pytest.fixture
def service(world: World, redis: Redis, tmp_path: Path) -> Iterator[Service]:
    """Run everything; the strategy of task `broken` is stored as what no release would have stored."""
    world.task("t1", world.strategy("Minutes", data_program()))
    broken = world.strategy("Broken", data_program("other"))
    world.task("broken", broken)
    with without_triggers():
        StrategyVersion.objects.filter(strategy=broken).update(program={"type": "nonsense"})
    with (
        listening() as sentry,
        serve(
            n_processes=1,
            log_file=tmp_path / "web",
            DSL_EXECUTION_LOG_SAMPLE_RATE="1.0",
            SENTRY_DSN=sentry.dsn,
            SENTRY_TRACES_SAMPLE_RATE="1.0",
        ) as web,
        running_worker(log_file=tmp_path / "worker", SENTRY_DSN=sentry.dsn, SENTRY_TRACES_SAMPLE_RATE="1.0"),
    ):
        yield Service(web, world, sentry, tmp_path)


def test_an_event_that_was_scored_is_found_everywhere(service: Service) -> None:
    answer = service.score("t1", "scored-1")

    assert answer.status == 201
    assert answer.headers["x-request-id"] == answer.body["requestId"] == "scored-1"
    assert str(Score.objects.get(request_id="scored-1").pk) == answer.body["scoreId"]
    wait_until(lambda: StrategyExecutionLog.objects.filter(request_id="scored-1").exists())
    wait_until(lambda: service.lines("worker", "scored-1"))
    assert {line["task"] for line in service.lines("worker", "scored-1")} == {
        "observability.tasks.store_executions"
    }
    wait_until(lambda: len(service.sentry.of_request("scored-1", "transaction")) >= 2)
    of_web, of_worker = (
        [
            each
            for each in service.sentry.of_request("scored-1", "transaction")
            if each["tags"]["role"] == role
        ]
        for role in ("web", "worker")
    )
    assert [each["transaction"] for each in of_web] == ["api/v1/games/<str:game>/tasks/<str:task>/points"]
    assert [each["transaction"] for each in of_worker] == ["observability.tasks.store_executions"]
    assert service.lines("web", "scored-1") == []  # nothing is logged when all goes well
    assert service.sentry.of_request("scored-1") == []


def test_an_event_that_hit_a_fault_of_ours_is_found_everywhere(service: Service) -> None:
    answer = service.score("broken", "broken-1")

    assert (answer.status, answer.body["error"]["code"]) == (500, "INTERNAL_ERROR")
    assert answer.headers["x-request-id"] == answer.body["requestId"] == "broken-1"
    (line,) = service.lines("web", "broken-1")
    assert (line["level"], line["logger"]) == ("error", "django.request")
    assert line["exception"][0]["exc_type"] == "RuntimeError"
    wait_until(lambda: service.sentry.of_request("broken-1"))
    (event,) = service.sentry.of_request("broken-1")
    assert event["exception"]["values"][-1]["type"] == "RuntimeError"
    assert event["release"] == "0.1.0"
    assert event["environment"] == "production"
    assert (
        event["tags"]
        | {
            "role": "web",
            "method": "POST",
            "endpoint": "api/v1/games/<str:game>/tasks/<str:task>/points",
        }
        == event["tags"]
    )
    assert service.world.key not in json.dumps(service.sentry.items)
    assert service.world.key not in (service.logs / "web").read_text()


def test_a_refused_event_is_no_error_of_ours(service: Service) -> None:
    assert service.score("missing", "missing-1").status == 404
    assert service.score("broken", "after-1").status == 500

    wait_until(lambda: service.sentry.of_request("after-1"))
    assert service.sentry.of_request("missing-1") == []
    assert service.lines("web", "missing-1") == []


def test_a_change_is_in_the_audit_trail_and_found_by_the_admin(
    service: Service, admin_client: Client
) -> None:
    answer = service.call("POST", "/strategies/custom/minutes/archive", "archived-1", {"force": True})

    assert answer.status == 200
    row = Logs.objects.get(request_id="archived-1")
    assert row.api_key == service.world.key.split(".")[0]
    found = admin_client.get("/admin/search/", {"q": "archived-1"}, follow=True)
    assert "archived-1" in found.content.decode()
