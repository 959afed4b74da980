"""Traces that nobody could store: put aside in Redis with the reason, until a person decides."""

import hashlib
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any, Final

import msgspec
import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from gameproject.lib import clock
from observability import celery_messages, trace_messages

KEY: Final = "traces:dead"
MAX_LETTERS: Final = 1000
MAX_SHOWN: Final = 100
TIMEOUT_SECONDS: Final = 2.0


class Letter(msgspec.Struct, kw_only=True):
    """A message that was put aside: when, why, and as it came."""

    at: datetime
    reason: str
    message: dict[str, Any]
    id: str = ""

    @property
    def n_rows(self) -> int:
        return len(self.message.get("rows", []))


def put_aside(message: Mapping[str, object], *, reason: str) -> None:
    """Add a message to the list; the oldest beyond a thousand are lost. Raises RedisError."""
    letter = {"at": clock.now(), "reason": reason, "message": message}
    with _client() as client, client.pipeline() as pipe:
        pipe.lpush(KEY, msgspec.json.encode(letter))
        pipe.ltrim(KEY, 0, MAX_LETTERS - 1)
        pipe.execute()


def newest() -> tuple[list[Letter], int]:
    """Return the newest hundred letters, and how many there are. Raises RedisError."""
    with _client() as client:
        found: list[bytes] = client.lrange(KEY, 0, MAX_SHOWN - 1)
        n_letters: int = client.llen(KEY)
    return [_read(raw) for raw in found], n_letters


def put_back(ids: Collection[str]) -> int:
    """Put letters back into the queue, and return how many. What is stored twice is stored once. Raises RedisError."""
    return _take(ids, back=True)


def delete(ids: Collection[str]) -> int:
    """Delete letters, and return how many. Raises RedisError."""
    return _take(ids, back=False)


def _take(ids: Collection[str], *, back: bool) -> int:
    n_taken = 0
    with _client() as client:
        found: list[bytes] = client.lrange(KEY, 0, -1)
        for raw in found:
            if _id(raw) not in ids:
                continue
            with client.pipeline() as pipe:
                if back:
                    pipe.lpush(trace_messages.QUEUE, _envelope(_read(raw)))
                pipe.lrem(KEY, 1, raw.decode())
                pipe.execute()
            n_taken += 1
    return n_taken


def _envelope(letter: Letter) -> bytes:
    return celery_messages.envelope(
        letter.message, task=trace_messages.TASK, queue=trace_messages.QUEUE, request_id=""
    )


def _read(raw: bytes) -> Letter:
    letter = msgspec.json.decode(raw, type=Letter)
    letter.id = _id(raw)
    return letter


def _id(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def _client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
