"""More messages for a worker that has one: a backlog is stored a hundred messages at a time.

A message costs Celery about 4 ms of processor time, and its row a tenth of that. So a task that has stored its own
message takes what waits behind it, in one step with noting it down where Celery's transport notes down what a worker
has and has not acknowledged (kombu's `unacked`, as `QoS.append` writes it): if this worker is killed, every worker's
transport puts it back into the queue after the visibility timeout. A test holds that.
"""

import functools
import logging
import os
import time
import uuid
from collections.abc import Iterator
from typing import Any, Final

import msgspec
import redis
from django.conf import settings
from redis.backoff import NoBackoff
from redis.retry import Retry

from observability import trace_messages

logger = logging.getLogger(__name__)

MAX_MESSAGES: Final = 100
MAX_BYTES: Final = 256 * 1024
SECONDS: Final = 1.0  # then Celery gets its turn: it may have been told to stop
TIMEOUT_SECONDS: Final = 5.0
UNACKNOWLEDGED: Final = "unacked"
INDEX: Final = "unacked_index"

TAKE: Final = """
local taken, size = {}, 0
while #taken < tonumber(ARGV[1]) and size < tonumber(ARGV[2]) do
  local message = redis.call('RPOP', KEYS[1])
  if not message then break end
  local tag = ARGV[3] .. ':' .. #taken
  redis.call('ZADD', KEYS[3], ARGV[4], tag)
  redis.call('HSET', KEYS[2], tag, '[' .. message .. ',"","' .. KEYS[1] .. '"]')
  taken[#taken + 1] = message
  size = size + #message
end
return taken
"""


def waiting() -> Iterator[list[dict[str, Any]]]:
    """Give what waits, some messages at a time; they are acknowledged when the next are asked for.

    Ends after a second, or when there is no more. A broker that is away is the transport's to notice.
    """
    end_at = time.monotonic() + SECONDS
    try:
        while time.monotonic() < end_at and (found := _take()):
            tags, messages = found
            yield messages
            _acknowledge(tags)
    except redis.RedisError as error:
        logger.warning("no more messages taken: %s", error)


def _take() -> tuple[list[str], list[dict[str, Any]]] | None:
    name = str(uuid.uuid4())
    keys = (trace_messages.QUEUE, UNACKNOWLEDGED, INDEX)
    taken = _take_script()(keys=keys, args=(MAX_MESSAGES, MAX_BYTES, name, time.time()))
    if not taken:
        return None
    return [f"{name}:{n}" for n in range(len(taken))], [_payload(each) for each in taken]


def _payload(message: bytes) -> dict[str, Any]:
    """Take a task's only argument out of Celery's envelope; what is none is of no known format."""
    try:
        return _decoder.decode(msgspec.json.decode(message, type=_Envelope).body)[0][0]
    except (msgspec.DecodeError, IndexError):
        return {"unreadable": message.decode(errors="replace")}


class _Envelope(msgspec.Struct):
    body: str


_decoder = msgspec.json.Decoder(tuple[list[dict[str, Any]], Any, Any])


def _acknowledge(tags: list[str]) -> None:
    with _client().pipeline() as pipe:
        pipe.zrem(INDEX, *tags)
        pipe.hdel(UNACKNOWLEDGED, *tags)
        pipe.execute()


@functools.cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), 0),  # a second try would take more, and the first ones would have to wait
    )


@functools.cache
def _take_script() -> Any:
    return _client().register_script(TAKE)


def _forget() -> None:
    _take_script.cache_clear()
    _client.cache_clear()


os.register_at_fork(after_in_child=_forget)
