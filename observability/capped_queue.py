"""The way into a Celery queue: capped, in one step, and for a tenth of a second at most.

One script looks at the queue's length and puts the message in, so the cap is exact however many processes write.
"""

import hashlib
from enum import StrEnum
from typing import Final

import redis

from observability.broker import AnswerMissing, Broker, BrokerAway

PUSH: Final = b"""
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
return redis.call('LPUSH', KEYS[1], ARGV[2])
"""
PUSH_SHA: Final = hashlib.sha1(PUSH, usedforsecurity=False).hexdigest()


class Push(StrEnum):
    """What became of a message."""

    DONE = "done"
    QUEUE_FULL = "queue_full"
    BROKER_UNAVAILABLE = "broker_unavailable"
    UNCONFIRMED = "unconfirmed"  # it may be in the queue


class CappedQueue:
    """The producer's side of a Celery queue."""

    def __init__(self, broker: Broker, name: str, *, max_messages: int) -> None:
        self.broker = broker
        self._name = name
        self._max_messages = max_messages

    def warm_up(self) -> None:
        """Connect and load the script before the first message needs them."""
        try:
            self.broker.call("SCRIPT", "LOAD", PUSH)
        except (BrokerAway, AnswerMissing):
            return

    def push(self, message: bytes) -> Push:
        """Put a message into the queue, unless it is full. Never raises."""
        try:
            length = self._evaluate(message)
        except AnswerMissing:
            return Push.UNCONFIRMED
        except (BrokerAway, redis.ResponseError):  # away; or out of memory, loading, read only
            return Push.BROKER_UNAVAILABLE
        return Push.DONE if length else Push.QUEUE_FULL

    def _evaluate(self, message: bytes) -> object:
        arguments = (1, self._name, self._max_messages, message)
        try:
            return self.broker.call("EVALSHA", PUSH_SHA, *arguments)
        except redis.exceptions.NoScriptError:
            return self.broker.call("EVAL", PUSH, *arguments)
