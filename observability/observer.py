"""What observability learns of each run: counters at once, a trace of some after the answer has been sent.

`record` costs microseconds and waits for nothing. Rows are made and handed over when the request is through, by the
thread that served it; outside of a request, at once.
"""

import functools
import logging
import os
import threading
import time
from collections.abc import Callable

from django.conf import settings
from django.core.signals import setting_changed

from observability import metrics, sampling, trace_rows
from observability.broker import Broker
from observability.drops import drops
from observability.sampling import Kept, Kind
from observability.trace_queue import TraceQueue
from strategies.execution import Execution
from strategies.throttling import Buckets, Pace

logger = logging.getLogger(__name__)

# A strategy that always fails must not fill the queue: error rates come from the counters, not from traces.
ERRORS_A_SECOND = Pace(seconds_each=1 / 50, burst=50)


class _Request(threading.local):
    """The request that this thread serves, if any, and what is to be kept of it."""

    def __init__(self) -> None:
        self.is_open = False
        self.kept: list[Kept] = []


_request = _Request()


@functools.cache
def trace_queue() -> TraceQueue:
    """Return this process's end of the queue."""
    return TraceQueue(Broker(settings.REDIS_URL), max_messages=settings.DSL_EXECUTION_LOG_QUEUE_MAXSIZE)


os.register_at_fork(after_in_child=trace_queue.cache_clear)


class DslExecutionObserver:
    """Counts every run; keeps failed, slow and sampled ones. Never raises and never waits."""

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self._errors = Buckets(timer)

    def record(self, execution: Execution) -> None:
        metrics.count_run(execution)
        if not settings.DSL_EXECUTION_LOG_ENABLED:
            return
        kept = sampling.decide(execution, rate=settings.DSL_EXECUTION_LOG_SAMPLE_RATE)
        if kept is not None and self._is_offered(kept):
            _request.kept.append(kept)
            if not _request.is_open:
                hand_over()

    def _is_offered(self, kept: Kept) -> bool:
        metrics.LOG_OFFERED.labels(kept.kind).inc()
        if kept.kind is Kind.ERROR and self._errors.take("errors", ERRORS_A_SECOND):
            drops.add("rate_limited")
            return False
        return True


def hand_over() -> None:
    """Make the rows of what was kept, and put them into the queue."""
    kept, _request.kept = _request.kept, []
    rows = [row for each in kept if (row := _row(each)) is not None]
    if rows:
        trace_queue().put(rows, request_id=kept[0].execution.request_id)


def _row(kept: Kept) -> bytes | None:
    if trace_queue().broker.is_away:  # spare the second run
        drops.add("broker_unavailable")
        return None
    try:
        return trace_rows.encode_row(kept, trace_limit=settings.DSL_EXECUTION_LOG_TRACE_LIMIT)
    except trace_rows.RowTooLarge:
        drops.add("too_large")
    except Exception:  # an edge of the process: nobody is left who could be told
        logger.exception("no trace of execution %s", kept.execution.execution_id)
        drops.add("persist_failed")
    return None


# ── Edges of a request ───────────────────────────────────────────────────────────────────────────
def begin_request() -> None:
    """Keep what the runs of this thread's request leave until its answer has been sent."""
    _request.is_open = True


def end_request() -> bool:
    """Say whether something was kept: it is to be handed over when the answer has been sent."""
    _request.is_open = False
    return bool(_request.kept)


def _forget_queue(*, setting: str, **_: object) -> None:
    if setting in {"REDIS_URL", "DSL_EXECUTION_LOG_QUEUE_MAXSIZE"}:
        trace_queue.cache_clear()


setting_changed.connect(_forget_queue)
