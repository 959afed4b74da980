"""The way of traces into the queue: capped, in one step, and without ever being felt.

One script looks at the queue's length and puts the message in, so the cap is exact however many processes write.
What does not get in is counted with its reason. The books close: offered = persisted + dropped + waiting +
unconfirmed, by execution.
"""

import hashlib
from collections.abc import Sequence
from typing import Final

import redis

from observability import metrics, trace_messages
from observability.broker import AnswerMissing, Broker, BrokerAway

PUSH: Final = b"""
if redis.call('LLEN', KEYS[1]) >= tonumber(ARGV[1]) then return 0 end
return redis.call('LPUSH', KEYS[1], ARGV[2])
"""
PUSH_SHA: Final = hashlib.sha1(PUSH, usedforsecurity=False).hexdigest()


class TraceQueue:
    """The producer's side of the Celery queue `traces`."""

    def __init__(self, broker: Broker, *, max_messages: int) -> None:
        self.broker = broker
        self._max_messages = max_messages

    def warm_up(self) -> None:
        """Connect and load the script before the first request needs them."""
        try:
            self.broker.call("SCRIPT", "LOAD", PUSH)
        except (BrokerAway, AnswerMissing):
            return

    def put(self, rows: Sequence[bytes], *, request_id: str) -> None:
        """Put the rows of one request into the queue. Never raises, never waits longer than the broker's timeout."""
        for some in trace_messages.split(rows):
            refused = self._put_message(trace_messages.envelope(some, request_id=request_id))
            if refused == metrics.UNCONFIRMED:
                metrics.LOG_UNCONFIRMED.inc(len(some))
            elif refused:
                metrics.drop(refused, len(some))

    def _put_message(self, message: bytes) -> str:
        """Return why the message is not in the queue, or nothing if it is."""
        try:
            length = self._push(message)
        except BrokerAway:
            return "broker_unavailable"
        except AnswerMissing:
            return metrics.UNCONFIRMED
        except redis.ResponseError:  # out of memory, loading, read only
            return "broker_unavailable"
        return "" if length else "queue_full"

    def _push(self, message: bytes) -> object:
        arguments = (1, trace_messages.QUEUE, self._max_messages, message)
        try:
            return self.broker.call("EVALSHA", PUSH_SHA, *arguments)
        except redis.exceptions.NoScriptError:
            return self.broker.call("EVAL", PUSH, *arguments)
