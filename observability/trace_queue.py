"""The way of traces into the queue, without ever being felt.

What does not get in is counted with its reason. The books close: offered = persisted + dropped + waiting +
unconfirmed, by execution.
"""

import logging
from collections.abc import Sequence

from observability import metrics, trace_messages
from observability.broker import Broker
from observability.capped_queue import CappedQueue, Push
from observability.drops import drops

logger = logging.getLogger(__name__)


class TraceQueue:
    """The producer's side of the Celery queue `traces`."""

    def __init__(self, broker: Broker, *, max_messages: int) -> None:
        self.broker = broker
        self._queue = CappedQueue(broker, trace_messages.QUEUE, max_messages=max_messages)

    def warm_up(self) -> None:
        self._queue.warm_up()

    def put(self, rows: Sequence[bytes], *, request_id: str) -> None:
        """Put the rows of one request into the queue. Never raises, never waits longer than the broker's timeout."""
        for some in trace_messages.split(rows):
            report = drops.report()
            pushed = self._queue.push(trace_messages.envelope(some, report, request_id=request_id))
            if pushed is Push.DONE:
                drops.told(report)
            elif pushed is Push.UNCONFIRMED:
                metrics.LOG_UNCONFIRMED.inc(len(some))
                logger.warning("%d traces unconfirmed of request %s", len(some), request_id)
            else:
                drops.add(pushed, len(some))
