"""What is done to the queue of traces, its worker and its table, while events are scored."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import psycopg
from redis import Redis

from ops.drills.service import Service
from ops.drills.trace_books import QUEUE

TABLE: Final = "observability_strategyexecutionlog"
GIVE_UP_SECONDS: Final = 20.0

# Given the service and how long to last; returns when the fault is over.
Fault = Callable[[Service, float], None]


def hang_valkey(service: Service, seconds: float) -> None:
    everyone = service.suspend(service.valkey)
    time.sleep(seconds)
    service.resume(everyone)


def kill_valkey(service: Service, seconds: float) -> None:
    service.end(service.valkey, signal.SIGKILL)
    time.sleep(seconds)
    service.start(service.valkey)


def kill_worker(service: Service, _seconds: float) -> None:
    """SIGKILL in the middle of a message: its rows wait for a lock on their table just then."""
    with _locked_table(service) as connection:
        _wait_until(lambda: _n_waiting_for_lock(connection) > 0, "no worker waits for the table")
        service.end_worker(signal.SIGKILL)
    service.start_worker()


def restart_postgres(service: Service, _seconds: float) -> None:
    service.end(service.postgres, signal.SIGINT)
    service.start(service.postgres)


def fill_queue(service: Service, seconds: float) -> None:
    """No worker, until the queue has been full for a while."""
    service.end_worker(signal.SIGTERM)
    limit = int(service.environment["DSL_EXECUTION_LOG_QUEUE_MAXSIZE"])
    with Redis.from_url(service.valkey.url) as redis:
        _wait_until(lambda: redis.llen(QUEUE) >= limit, "the queue does not fill")
    time.sleep(seconds / 2)
    service.start_worker()


def lock_table(service: Service, seconds: float) -> None:
    with _locked_table(service):
        time.sleep(seconds)


FAULTS: Final[dict[str, Fault]] = {
    "worker_killed": kill_worker,
    "valkey_hung": hang_valkey,
    "valkey_killed": kill_valkey,
    "log_table_locked": lock_table,
    "queue_full": fill_queue,
    "postgres_restarted": restart_postgres,
}


@contextmanager
def _locked_table(service: Service) -> Iterator[psycopg.Connection[Any]]:
    with service.connect() as connection, connection.transaction():
        connection.execute(f"LOCK TABLE {TABLE} IN ACCESS EXCLUSIVE MODE")
        yield connection


def _n_waiting_for_lock(connection: psycopg.Connection[Any]) -> int:
    [(n,)] = connection.execute(
        "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = %s::regclass", [TABLE]
    ).fetchall()
    return int(n)


def _wait_until(condition: Callable[[], bool], otherwise: str) -> None:
    give_up_at = time.monotonic() + GIVE_UP_SECONDS
    while not condition():
        if time.monotonic() > give_up_at:
            raise RuntimeError(f"The fault could not be made: {otherwise}.")
        time.sleep(0.01)
