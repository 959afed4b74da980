"""The service under an open load while something is done to its traces: what was felt, and what became of each trace."""

import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from redis import Redis

from ops.drills import open_loop, trace_books
from ops.drills.open_loop import Answer, OpenLoop
from ops.drills.plan import make_game
from ops.drills.service import Service
from ops.drills.trace_books import QUEUE, Books
from ops.drills.trace_faults import Fault

BEGIN_SHARE: Final = 0.25  # of a load's time, when its fault begins
LAST_SHARE: Final = 0.25
CAPACITY_SHARE: Final = 0.5
WARM_UP_SECONDS: Final = 4.0
CAPACITY_SECONDS: Final = 6.0
SETTLE_SECONDS: Final = 15.0
RECOVERY_SECONDS: Final = 20.0  # until it is given up
MAX_RECOVERY_SECONDS: Final = 5.0
UNAVAILABLE: Final = "postgres_restarted"  # the one fault that may be felt: scoring needs PostgreSQL
RETURN_SECONDS: Final = 90.0  # the visibility timeout, and a look at what is overdue
VARIABLES: Final = {
    "DSL_EXECUTION_LOG_SAMPLE_RATE": "1",
    "DSL_EXECUTION_LOG_QUEUE_MAXSIZE": "250",  # so that it fills in the time
}


@dataclass(frozen=True)
class Load:
    """What one load met. Latencies of single events that were answered; `recovery_s` from the fault's end."""

    name: str
    n_requests: int
    n_errors: int
    p50_ms: float
    p99_ms: float
    fault_s: float
    recovery_s: float
    books: Books

    def wrong(self) -> Iterator[str]:
        """Say what must not be, on a machine of any speed."""
        yield from self.books.wrong
        if self.n_errors and self.name != UNAVAILABLE:
            yield f"{self.n_errors} of {self.n_requests} requests were refused or lost"
        if self.recovery_s > MAX_RECOVERY_SECONDS:
            yield f"the first trace came {self.recovery_s:.1f} s after the fault"


@contextmanager
def observed_service() -> Iterator[Service]:
    """Run a service whose runs all leave a trace, with a worker."""
    with Service(VARIABLES) as service:
        service.require_durability()
        service.start_worker()
        yield service
        service.require_durability()


class TraceDrill:
    """Sends loads to a service, with and without a fault."""

    def __init__(self, service: Service, seconds: float) -> None:
        self._service = service
        self._seconds = seconds
        self._game = make_game(service, "traces")
        self._n_loads = 0
        self.per_second = self._half_of_capacity()

    def _half_of_capacity(self) -> float:
        """Warm up, then see what is answered when all clients are always busy."""
        self._loop("warm-up", float("inf"), WARM_UP_SECONDS).run()
        answers = self._loop("capacity", float("inf"), CAPACITY_SECONDS).run()
        self._settle()
        return CAPACITY_SHARE * sum(each.is_success for each in answers) / CAPACITY_SECONDS

    def load(self, name: str, fault: Fault | None = None) -> Load:
        """Send a load, do the fault in it, and close the books."""
        self._n_loads += 1
        label = f"{name}-{self._n_loads}"
        before = trace_books.count(self._service.metrics_folder)
        loop = self._loop(label, self.per_second, self._seconds)
        loop.start()
        fault_s, recovery_s = self._disturb(loop, fault, label) if fault else (0.0, 0.0)
        answers = loop.wait()
        self._settle()
        n_errors = sum(not each.is_success for each in answers)
        after = trace_books.count(self._service.metrics_folder)
        books = trace_books.close(self._service, label, answers, before, after, n_errors=n_errors)
        milliseconds = _latencies(answers)
        return Load(
            name,
            len(answers),
            n_errors,
            statistics.median(milliseconds),
            milliseconds[int(0.99 * len(milliseconds))],
            fault_s,
            recovery_s,
            books,
        )

    def wait_for_the_taken(self) -> list[str]:
        """Say what is not back when everything that killed workers had taken should be stored."""
        give_up_at = time.monotonic() + RETURN_SECONDS
        with Redis.from_url(self._service.valkey.url) as redis:
            while left := _n_waiting(redis):
                if time.monotonic() > give_up_at:
                    return [f"{left} messages never came back"]
                time.sleep(0.2)
        return []

    def _loop(self, name: str, per_second: float, seconds: float) -> OpenLoop:
        requests = open_loop.requests(self._game, name)
        return OpenLoop(self._service.port, self._service.api_key, requests, per_second, seconds)

    def _disturb(self, loop: OpenLoop, fault: Fault, label: str) -> tuple[float, float]:
        """Return how long the fault lasted, and the seconds from its end to the first trace of a run after it."""
        loop.is_held = True  # until it is over, however slow the machine
        try:
            time.sleep(BEGIN_SHARE * self._seconds)
            began_at = time.time()
            fault(self._service, LAST_SHARE * self._seconds)
            ended_at = time.time()
            self._wait_for_trace(label, ended_at)
            return ended_at - began_at, time.time() - ended_at
        finally:
            loop.is_held = False

    def _wait_for_trace(self, label: str, since: float) -> None:
        give_up_at = time.monotonic() + RECOVERY_SECONDS
        with self._service.connect() as connection:
            while not _is_stored_since(connection, label, since):
                if time.monotonic() > give_up_at:
                    raise RuntimeError(f"{label}: no trace after it.\n{self._service.log('traces')[-3000:]}")
                time.sleep(0.05)

    def _settle(self) -> None:
        """Let the worker store what waits; what is with a killed one stays."""
        give_up_at = time.monotonic() + SETTLE_SECONDS
        time.sleep(0.3)  # rows are handed over after the answers
        with Redis.from_url(self._service.valkey.url) as redis:
            while redis.llen(QUEUE) and time.monotonic() < give_up_at:
                time.sleep(0.05)
        time.sleep(0.3)


def _latencies(answers: list[Answer]) -> list[float]:
    singles = (each for each in answers if each.is_success and not each.request.is_batch)
    return sorted(each.seconds * 1000 for each in singles)


def _n_waiting(redis: Redis) -> int:
    n_waiting: int = redis.llen(QUEUE) + redis.hlen(trace_books.UNACKNOWLEDGED)
    return n_waiting


def _is_stored_since(connection: psycopg.Connection[Any], label: str, at: float) -> bool:
    found = connection.execute(
        "SELECT 1 FROM observability_strategyexecutionlog WHERE created_at > to_timestamp(%s) "
        "AND request_id LIKE %s LIMIT 1",
        [at, f"{label}-%"],
    )
    return found.fetchone() is not None
