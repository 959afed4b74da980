"""A real worker that is stopped, killed or cut off in the middle: nothing is lost, nothing is stored twice."""

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
from redis import Redis

from bench.traces import messages
from gameproject.tests.conftest import database_url
from observability import dead_letters, trace_backlog, trace_messages
from observability.models import StrategyExecutionLog
from observability.tests.conftest import running_worker, wait_until
from ops.local import children, testing
from ops.local.valkey import Valkey

IMPATIENT = "observability.tests.impatient"
TABLE = "observability_strategyexecutionlog"

pytestmark = pytest.mark.usefixtures("transactional_db")


@contextmanager
def locked_table() -> Iterator[psycopg.Connection[Any]]:
    """Keep a worker waiting in the middle of a message."""
    with psycopg.connect(database_url()) as connection:
        connection.execute(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")
        yield connection


def waiting_backends(connection: psycopg.Connection[Any]) -> list[int]:
    """Return who waits for the table."""
    found = connection.execute(
        "SELECT pid FROM pg_locks WHERE NOT granted AND relation = %s::regclass", [TABLE]
    )
    return [pid for (pid,) in found]


def n_left(redis: Redis) -> int:
    """Count the messages that wait, or are with a worker."""
    return redis.llen(trace_messages.QUEUE) + redis.hlen(trace_backlog.UNACKNOWLEDGED)


def all_stored(redis: Redis, n_rows: int) -> bool:
    return StrategyExecutionLog.objects.count() == n_rows and not n_left(redis)


def test_a_worker_that_is_told_to_stop_finishes_its_message_and_leaves_the_others(redis: Redis) -> None:
    redis.lpush(trace_messages.QUEUE, *messages(100, 100))
    with running_worker(pool="prefork") as worker:
        with locked_table() as connection:
            wait_until(lambda: waiting_backends(connection))
            worker.send_signal(signal.SIGTERM)
            time.sleep(0.5)
        assert worker.wait(20) == 0

    n_stored = StrategyExecutionLog.objects.count()
    assert n_stored >= 100
    assert redis.llen(trace_messages.QUEUE) == 100 - n_stored / 100
    assert not redis.hlen(trace_backlog.UNACKNOWLEDGED)


def test_a_worker_that_is_killed_in_a_message_leaves_it_to_the_next(redis: Redis) -> None:
    redis.lpush(trace_messages.QUEUE, *messages(3, 100))
    with running_worker(pool="prefork") as worker, locked_table() as connection:
        wait_until(lambda: waiting_backends(connection))
        children.signal_group(worker, signal.SIGKILL)
        worker.wait(10)
    assert n_left(redis) == 3, "also if PostgreSQL finished what it had been asked for"

    with running_worker(app=IMPATIENT):
        wait_until(lambda: all_stored(redis, 300))


def test_what_a_killed_worker_had_taken_by_itself_comes_back_too(redis: Redis) -> None:
    redis.lpush(trace_messages.QUEUE, *messages(10, 2))
    taken = trace_backlog.waiting()
    assert len(next(taken)) == 10
    del taken
    assert not redis.llen(trace_messages.QUEUE)

    with running_worker(app=IMPATIENT):
        wait_until(lambda: all_stored(redis, 20))


def test_a_backlog_is_stored_by_few_tasks_and_acknowledged(redis: Redis, tmp_path: Path) -> None:
    redis.lpush(trace_messages.QUEUE, *messages(500, 1))
    log = tmp_path / "log"
    with running_worker(log_file=log):
        wait_until(lambda: all_stored(redis, 500))
    assert log.read_text().count("succeeded in") < 10


def test_a_worker_whose_connection_to_the_database_is_cut_stores_its_message_once(redis: Redis) -> None:
    redis.lpush(trace_messages.QUEUE, *messages(2, 50))
    with running_worker():
        with locked_table() as connection:
            wait_until(lambda: waiting_backends(connection))
            connection.execute("SELECT pg_terminate_backend(%s, 5000)", waiting_backends(connection))
        wait_until(lambda: all_stored(redis, 100))


def test_a_worker_is_back_soon_after_a_broker_that_was_killed(tmp_path: Path) -> None:
    valkey = Valkey(tmp_path)
    valkey.prepare()
    process = testing.start(valkey, tmp_path / "log")
    try:
        with Redis.from_url(valkey.url) as redis, running_worker(REDIS_URL=valkey.url):
            redis.lpush(trace_messages.QUEUE, *messages(1, 1))
            wait_until(lambda: all_stored(redis, 1))
            children.stop(process, stop_signal=signal.SIGKILL, seconds=5)
            time.sleep(2.5)  # Celery by itself would try again after two seconds, then after four

            process = testing.start(valkey, tmp_path / "log")
            redis.lpush(trace_messages.QUEUE, *messages(1, 1))
            wait_until(lambda: all_stored(redis, 2), seconds=2.5)
    finally:
        children.stop(process, stop_signal=signal.SIGKILL, seconds=5)


def test_poison_among_the_messages_is_put_aside_and_the_others_are_stored(redis: Redis) -> None:
    [first, second, *_] = messages(2, 1)
    unknown = {**json.loads(first), "body": json.dumps([[{"format": 9, "rows": []}], {}, {}])}
    headless = {**json.loads(first), "body": json.dumps([[{"format": 1}], {}, {}])}
    empty = {**json.loads(first), "body": "[]"}
    poison = [json.dumps(each) for each in (unknown, headless, empty)]
    redis.lpush(trace_messages.QUEUE, first, *poison, second)

    with running_worker():
        wait_until(lambda: all_stored(redis, 2))
    assert redis.llen(dead_letters.KEY) == 3
