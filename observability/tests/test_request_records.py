"""A record of every request: made in microseconds, sent by a thread, stored once, and lost only with its number told."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.http import HttpResponse
from django.test import RequestFactory
from prometheus_client import REGISTRY
from pytest_django import Settings
from redis import Redis

from observability import request_messages, request_records, tasks
from observability.broker import TIMEOUT_SECONDS, Broker
from observability.capped_queue import CappedQueue
from observability.metrics import REQUEST_DROP_REASONS
from observability.models import ApiRequestDrops, ApiRequests
from observability.request_records import Collector, Seen
from observability.tests.conftest import running_worker, wait_until
from strategies.tests.conftest import World, constant_program

MIDDLEWARE = "observability.middleware.RequestRecordMiddleware"


@pytest.fixture(autouse=True)
def fresh_collector(settings: Settings) -> Iterator[None]:
    settings.MIDDLEWARE = [
        MIDDLEWARE,
        *(each for each in django_settings.MIDDLEWARE if each != MIDDLEWARE),
    ]
    collector_of_process = request_records.collector
    forget(collector_of_process())
    collector_of_process.cache_clear()
    yield
    forget(collector_of_process())
    collector_of_process.cache_clear()


def forget(collector: Collector) -> None:
    """Leave nothing to the thread of a process's collector, which lives on: it would send into another test."""
    with collector._sending:
        collector._seen.clear()
        collector._waiting.clear()
        collector._lost.clear()


@pytest.fixture
def broker(redis: Redis) -> Redis:
    redis.delete(request_messages.QUEUE)
    return redis


def seen(n: int = 1, **fields: Any) -> list[Seen]:
    one = Seen(
        ended_at=time.time(),
        seconds=0.0123456,
        method="GET",
        is_admin=False,
        route="api/v1/games/<str:game>",
        status=200,
        key_prefix="",
        request_id="r",
    )
    return [one._replace(**fields)] * n


def collector(url: str = "", *, max_messages: int = 1000) -> Collector:
    """A collector whose thread never comes to send."""
    broker = Broker(url or django_settings.REDIS_URL, probe_every_seconds=0.05)
    made = Collector(CappedQueue(broker, request_messages.QUEUE, max_messages=max_messages))
    made._thread = SimpleNamespace()  # type: ignore[assignment]  # the test flushes itself
    return made


def waiting(redis: Redis) -> list[dict[str, Any]]:
    messages = [json.loads(each) for each in redis.lrange(request_messages.QUEUE, 0, -1)[::-1]]
    return [json.loads(message["body"])[0][0] for message in messages]


def store_waiting(redis: Redis) -> None:
    for message in waiting(redis):
        tasks.store_api_requests(message)
    redis.delete(request_messages.QUEUE)


def dropped() -> dict[str, float]:
    return {
        reason: REGISTRY.get_sample_value("scoring_api_requests_dropped_total", {"reason": reason}) or 0.0
        for reason in REQUEST_DROP_REASONS
    }


def newly_dropped(before: dict[str, float]) -> dict[str, float]:
    return {reason: n - before[reason] for reason, n in dropped().items() if n != before[reason]}


# ── What a record says ───────────────────────────────────────────────────────────────────────────
def test_a_record_says_what_was_asked_by_whom_and_what_was_answered() -> None:
    (one,) = seen(key_prefix="abc")

    record = request_records.record_of(one, weight=4.0)

    assert (record.method, record.route, record.kind) == ("GET", "/api/v1/games/{game}", "read")
    assert (record.key_prefix, record.request_id) == ("abc", "r")
    assert (record.status, record.milliseconds, record.weight) == (200, 12.3, 4.0)
    assert record.at == pytest.approx(one.ended_at - 0.0123456)


@pytest.mark.parametrize(
    ("method", "route", "is_admin", "kind"),
    [
        ("POST", "api/v1/games/<str:game>/tasks/<str:task>/points", False, "score"),
        ("GET", "api/v1/games/<str:game>/tasks/<str:task>/points", False, "read"),
        ("POST", "api/v1/scores/batch", False, "score"),
        ("PATCH", "api/v1/games/<str:game>", False, "write"),
        ("POST", "admin/login/", True, "admin"),
    ],
)
def test_the_kind_follows_from_route_and_method(method: str, route: str, is_admin: bool, kind: str) -> None:
    (one,) = seen(method=method, route=route, is_admin=is_admin)
    assert request_records.record_of(one, weight=1.0).kind == kind


def test_neither_a_made_up_method_nor_a_raw_path_becomes_part_of_a_record() -> None:
    (one,) = seen(method="BREW", route=None)
    record = request_records.record_of(one, weight=1.0)
    assert (record.method, record.route) == ("OTHER", "")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics", "/static/a.css"])
def test_probes_scrapes_and_files_leave_no_record(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(request_records, "collector", pytest.fail)
    request_records.note(RequestFactory().get(path), HttpResponse(), time.perf_counter())


def test_a_sample_stands_for_all(broker: Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.API_REQUESTS_SAMPLE_RATE = 0.25
    chances = iter([0.1, 0.3, 0.249, 0.25] * 10)
    monkeypatch.setattr(random, "random", lambda: next(chances))
    for _ in range(40):
        request_records.note(RequestFactory().get("/api/v1/games"), HttpResponse(), time.perf_counter())
    request_records.collector().flush()

    records = [record for message in waiting(broker) for record in message["records"]]
    assert [record[-1] for record in records] == [4.0] * 20


# ── The way through the queue ────────────────────────────────────────────────────────────────────
def test_a_message_takes_200_records(broker: Redis) -> None:
    some = collector()
    for one in seen(450):
        some.add(one)
    some.flush()
    assert [len(message["records"]) for message in waiting(broker)] == [200, 200, 50]


def test_a_message_that_comes_twice_is_stored_once(broker: Redis, transactional_db: None) -> None:
    some = collector()
    for one in seen(3):
        some.add(one)
    some.flush()
    (message,) = waiting(broker)

    tasks.store_api_requests(message)
    tasks.store_api_requests(message)

    assert ApiRequests.objects.count() == 3
    row = ApiRequests.objects.all()[0]
    assert (row.route, row.status, row.milliseconds) == ("/api/v1/games/{game}", 200, 12.3)
    assert row.pk.version == 7


def test_what_a_full_queue_refused_is_told_by_the_next_message(broker: Redis, transactional_db: None) -> None:
    before = dropped()
    some = collector(max_messages=1)
    for one in seen(450):
        some.add(one)
    some.flush()
    assert newly_dropped(before) == {"queue_full": 250.0}
    some.flush()  # what is to be told finds no room either, and is not lost twice
    assert newly_dropped(before) == {"queue_full": 250.0}

    store_waiting(broker)
    some.flush()
    store_waiting(broker)

    assert ApiRequests.objects.count() == 200
    assert [(drop.reason, drop.n) for drop in ApiRequestDrops.objects.all()] == [("queue_full", 250.0)]


def test_a_broker_that_hangs_is_not_felt_and_what_does_not_fit_is_counted(
    silent_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_records, "MAX_WAITING_MESSAGES", 2)
    before = dropped()
    some = collector(silent_url)
    started = time.monotonic()
    for one in seen(1000):
        some.add(one)
    assert time.monotonic() - started < TIMEOUT_SECONDS, "nobody waited for the broker"

    some.flush()
    assert newly_dropped(before) == {"broker_unavailable": 600.0}


def test_a_message_that_nobody_confirmed_is_sent_again_and_stored_once(
    broker: Redis, transactional_db: None
) -> None:
    some = collector()
    some._queue.warm_up()
    for one in seen(3):
        some.add(one)
    broker.client_pause(500)
    some.flush()
    wait_until(lambda: not some._queue.broker.is_away)
    some.flush()

    store_waiting(broker)
    assert ApiRequests.objects.count() == 3


def test_more_records_than_the_process_holds_are_counted(
    monkeypatch: pytest.MonkeyPatch, refused_url: str
) -> None:
    monkeypatch.setattr(request_records, "MAX_BUFFERED", 10)
    before = dropped()
    some = collector(refused_url)
    for one in seen(25):
        some.add(one)
    assert newly_dropped(before) == {"buffer_full": 15.0}


@pytest.mark.parametrize("change", [{"format": 2}, {"records": [["no time"]]}, {"messageId": "x"}], ids=str)
def test_a_message_that_cannot_be_read_is_counted(broker: Redis, change: dict[str, Any]) -> None:
    some = collector()
    some.add(*seen())
    some.flush()
    before = dropped()
    tasks.store_api_requests({**waiting(broker)[0], **change})
    assert newly_dropped(before) == {"persist_failed": 1.0}


def test_records_that_the_database_refuses_are_counted_where_figures_are_made(
    broker: Redis, transactional_db: None
) -> None:
    some = collector()
    some.add(*seen(request_id="x" * 65))
    some.flush()
    store_waiting(broker)

    assert not ApiRequests.objects.exists()
    assert [(drop.reason, drop.n) for drop in ApiRequestDrops.objects.all()] == [("persist_failed", 1.0)]


def test_a_forked_process_sends_its_own_records_and_not_its_parents(broker: Redis) -> None:
    request_records.collector().add(*seen(request_id="parent"))
    child = os.fork()
    if not child:
        request_records.collector().add(*seen(request_id="child"))
        request_records.collector().flush()
        os._exit(0)
    os.waitpid(child, 0)
    request_records.collector().flush()

    ids = [record[7] for message in waiting(broker) for record in message["records"]]
    assert sorted(ids) == ["child", "parent"]


PROCESS_AND_CHILD = """
import multiprocessing
import django
django.setup()
from observability import request_records
from observability.tests.test_request_records import seen

def work():
    for one in seen(3):
        request_records.collector().add(one)

work()
child = multiprocessing.get_context("fork").Process(target=work)
child.start()
child.join()
"""


def test_what_waits_when_a_process_ends_is_sent(broker: Redis) -> None:
    """A child of multiprocessing, as web servers start them, ends without `atexit`."""
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "gameproject.settings"}
    subprocess.run([sys.executable, "-c", PROCESS_AND_CHILD], check=True, env=environment, timeout=30)
    assert [len(message["records"]) for message in waiting(broker)] == [3, 3]


# ── Through a real worker ────────────────────────────────────────────────────────────────────────
def test_a_thousand_requests_are_a_thousand_rows(world: World, broker: Redis) -> None:
    world.task("t1", world.strategy("One", constant_program(1)))
    for n in range(500):
        assert world.score(user=f"p{n}").status_code == 201
        assert world.get("/games/g1").status_code == 200

    with running_worker(queues=request_messages.QUEUE):
        wait_until(lambda: ApiRequests.objects.count() == 1000)
        time.sleep(1.5)

    assert ApiRequests.objects.count() == 1000
    assert ApiRequests.objects.filter(kind="score", status=201, method="POST").count() == 500
    assert set(ApiRequests.objects.values_list("realm_id", "key_prefix")) == {
        (world.realm.pk, world.key.partition(".")[0])
    }
    assert set(ApiRequests.objects.values_list("route", flat=True)) == {
        "/api/v1/games/{game}/tasks/{task}/points",
        "/api/v1/games/{game}",
    }
