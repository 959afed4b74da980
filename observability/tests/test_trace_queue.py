"""The queue is capped, and a broker that is away, hung or full is counted and not felt."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings as django_settings
from prometheus_client import REGISTRY
from redis import Redis

from observability import trace_messages
from observability.broker import TIMEOUT_SECONDS, Broker
from observability.metrics import DROP_REASONS
from observability.tests.conftest import wait_until
from observability.trace_queue import TraceQueue

ROW = b'{"executionId": "x"}'


def books() -> dict[str, float]:
    """Read what was lost, by reason, and what is unconfirmed."""
    found = {
        reason: REGISTRY.get_sample_value("dsl_execution_log_dropped_total", {"reason": reason}) or 0.0
        for reason in DROP_REASONS
    }
    return {**found, "unconfirmed": REGISTRY.get_sample_value("dsl_execution_log_unconfirmed_total") or 0.0}


@contextmanager
def booked(**expected: float) -> Iterator[None]:
    before = books()
    yield
    after = books()
    assert {name: after[name] - before[name] for name in after if after[name] != before[name]} == expected


def trace_queue(url: str = "", *, max_messages: int = 1000) -> TraceQueue:
    broker = Broker(url or django_settings.REDIS_URL, probe_every_seconds=0.05)
    return TraceQueue(broker, max_messages=max_messages)


def test_a_full_queue_takes_no_more_and_the_newest_are_lost(redis: Redis) -> None:
    queue = trace_queue(max_messages=3)
    with booked(queue_full=4):
        for _ in range(5):
            queue.put([ROW, ROW], request_id="r")

    assert redis.llen(trace_messages.QUEUE) == 3


def test_what_the_cap_looks_at_is_the_queue_of_all_processes(redis: Redis) -> None:
    redis.lpush(trace_messages.QUEUE, "a", "b", "c")
    with booked(queue_full=1):
        trace_queue(max_messages=3).put([ROW], request_id="r")


def test_a_restarted_broker_has_forgotten_the_script_and_is_told_again(redis: Redis) -> None:
    queue = trace_queue()
    queue.warm_up()
    redis.script_flush()
    with booked():
        queue.put([ROW], request_id="r")
    assert redis.llen(trace_messages.QUEUE) == 1


def test_a_refused_connection_is_a_drop_and_opens_the_breaker(redis: Redis, refused_url: str) -> None:
    queue = trace_queue(refused_url)
    with booked(broker_unavailable=2):
        queue.put([ROW], request_id="r")
        assert queue.broker.is_away
        queue.put([ROW], request_id="r")


def test_a_silent_broker_costs_one_timeout_and_nothing_afterwards(redis: Redis, silent_url: str) -> None:
    """A new connection greets first, so a broker that hangs then was sent no trace."""
    queue = trace_queue(silent_url)
    started = time.monotonic()
    with booked(broker_unavailable=100):
        for _ in range(100):
            queue.put([ROW], request_id="r")
    assert time.monotonic() - started < 20 * TIMEOUT_SECONDS


def test_a_broker_that_hangs_after_the_trace_was_sent_leaves_it_unconfirmed(redis: Redis) -> None:
    queue = trace_queue()
    queue.warm_up()
    redis.client_pause(1000)
    with booked(unconfirmed=1, broker_unavailable=1):
        queue.put([ROW], request_id="r")
        queue.put([ROW], request_id="r")

    wait_until(lambda: not queue.broker.is_away)
    with booked():
        queue.put([ROW], request_id="r")
    assert redis.llen(trace_messages.QUEUE) in {1, 2}


def test_a_broker_that_refuses_to_write_is_a_drop(redis: Redis) -> None:
    redis.config_set("maxmemory", 1)
    try:
        with booked(broker_unavailable=1):
            trace_queue().put([ROW], request_id="r")
    finally:
        redis.config_set("maxmemory", 0)


@pytest.mark.parametrize(
    ("n", "size", "messages"),
    [(0, 10, []), (1, 10, [1]), (100, 10, [100]), (250, 10, [100, 100, 50]), (9, 65_000, [4, 4, 1])],
)
def test_rows_are_split_at_a_hundred_and_at_256_kib(n: int, size: int, messages: list[int]) -> None:
    assert [len(rows) for rows in trace_messages.split([b"x" * size] * n)] == messages
