"""Is the process up, and is what it needs there? Each check has its own short timeout."""

import time
from collections.abc import Callable
from dataclasses import dataclass

import redis
from django.conf import settings
from django.db import Error, connection
from redis.backoff import NoBackoff
from redis.retry import Retry

from gameproject.lib.postgresql.deadline import watchdog

TIMEOUT_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Check:
    """What one dependency answered, and how long it took."""

    name: str
    ok: bool
    milliseconds: float
    reason: str | None = None


def checks() -> list[Check]:
    """Ask every dependency. Scoring needs the database; the broker only carries what was already decided."""
    return [_check("database", _ask_database), _check("broker", _ask_broker)]


def _check(name: str, ask: Callable[[], None]) -> Check:
    started = time.perf_counter()
    try:
        ask()
    except (Error, redis.RedisError, OSError) as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        return Check(name, ok=False, milliseconds=_since(started), reason=reason)
    return Check(name, ok=True, milliseconds=_since(started))


def _since(started: float) -> float:
    return round((time.perf_counter() - started) * 1000, 2)


def _ask_database() -> None:
    # A connection of its own: the threads' persistent ones say nothing about whether new ones can be made.
    probe = connection.copy()
    with watchdog.watch(time.monotonic() + TIMEOUT_SECONDS, probe):
        try:
            with probe.cursor() as cursor:
                cursor.execute("SELECT 1")
        finally:
            probe.close()


def _ask_broker() -> None:
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),  # redis-py's own default would try for ten times as long
    )
    with client:
        client.ping()
