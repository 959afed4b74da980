"""Is the process up, and is what it needs there? Each check has its own short timeout.

Worker and beat cannot be asked; they give proof. Once a minute beat notes that it sends a heartbeat, and the worker that
one has arrived, and when it was sent (observability/heartbeat.py).
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import redis
from django.conf import settings
from django.db import Error, connection
from django.db.backends.base.base import BaseDatabaseWrapper
from redis.backoff import NoBackoff
from redis.retry import Retry

from gameproject.lib.postgresql.deadline import watchdog
from observability import heartbeat

TIMEOUT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Check:
    """What one dependency answered, and how long it took."""

    name: str
    ok: bool
    milliseconds: float
    reason: str | None = None


DEPENDENCIES: Final = ("database", "broker", "worker", "beat")


def checks() -> list[Check]:
    """Ask what answers at once."""
    return [*checks_for_scoring(), _check("broker", _ask_broker)]


def checks_for_scoring() -> list[Check]:
    """Ask the database alone: the broker only carries what was already decided."""
    return [_check("database", _ask_database)]


def all_checks() -> list[Check]:
    """Ask every dependency, and look how old the last proofs of worker and beat are."""
    found = checks()
    if found[-1].ok:
        return [*found, _check("worker", _look_at_worker), _check("beat", _look_at_beat)]
    reason = "the broker is away, and the proof lies there"
    return [*found, *(Check(name, ok=False, milliseconds=0.0, reason=reason) for name in ("worker", "beat"))]


class NoProof(Exception):  # an answer: the reason of a check
    """The last sign of life is too old, or there is none."""


def _check(name: str, ask: Callable[[], None]) -> Check:
    started = time.perf_counter()
    try:
        ask()
    except (Error, redis.RedisError, OSError, NoProof) as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        return Check(name, ok=False, milliseconds=_since(started), reason=reason)
    return Check(name, ok=True, milliseconds=_since(started))


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 2)


def _ask_database() -> None:
    with short_connection(TIMEOUT_SECONDS) as probe, probe.cursor() as cursor:
        cursor.execute("SELECT 1")


@contextmanager
def short_connection(seconds: float) -> Iterator[BaseDatabaseWrapper]:
    """Lend a new connection for so long: the threads' persistent ones say nothing about whether one can be made."""
    probe = connection.copy()
    with watchdog.watch(time.monotonic() + seconds, probe):
        try:
            yield probe
        finally:
            probe.close()


def _ask_broker() -> None:
    with client() as redis_client:
        redis_client.ping()


def _look_at_worker() -> None:
    with client() as redis_client:
        _require_proof("worker", heartbeat.worker_proved_at(redis_client))


def _look_at_beat() -> None:
    with client() as redis_client:
        _require_proof("beat", heartbeat.beat_proved_at(redis_client))


def _require_proof(name: str, at: float | None) -> None:
    if at is None:
        raise NoProof(f"no heartbeat of {name} was ever seen")
    age_seconds = time.time() - at
    if age_seconds > heartbeat.STALE_SECONDS:
        raise NoProof(f"the last heartbeat of {name} is {age_seconds:.0f} s old")


def client() -> redis.Redis:
    """Return a client of the broker that waits a second at most, for each step."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),  # redis-py's own default would try for ten times as long
    )
