"""Executions that are stored without a worker."""

import json
from collections.abc import Iterator
from typing import Any

from redis import Redis

from observability import tasks, trace_messages


def store_what_waits(redis: Redis) -> None:
    """Do what the worker does with all that waits in the queue."""
    for payload in taken(redis):
        tasks.store_executions(payload)


def taken(redis: Redis) -> Iterator[dict[str, Any]]:
    while message := redis.rpop(trace_messages.QUEUE):
        assert not isinstance(message, list)  # which it is only where several are asked for
        payload: dict[str, Any] = json.loads(json.loads(message)["body"])[0][0]
        yield payload
