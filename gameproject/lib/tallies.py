"""Prometheus metrics for the hot path: what is counted is remembered by an append, and told once a second.

prometheus_client takes a lock for each count and, with several processes, writes into a mapped file: 3 µs, fourteen times
a score. Here a thread of the process adds up what came together and tells it by the same files; a scrape tells what its own
process has first. So other processes' counts are up to a second late, and one that is killed takes its last second along.
"""

import logging
import os
import threading
import time
from bisect import bisect_left
from collections import Counter as Numbers
from collections import deque
from collections.abc import Sequence
from multiprocessing.util import Finalize
from typing import Any, Final

import prometheus_client
from prometheus_client.metrics import MetricWrapperBase

logger = logging.getLogger(__name__)

TELL_EVERY_SECONDS: Final = 1.0
MAX_UNTOLD: Final = 10_000  # of a process whose thread does not run: a command, a test


class Tallied(MetricWrapperBase):
    """What a metric with its labels has to tell."""

    instances: Final[list["Tallied"]] = []
    telling: Final = threading.RLock()  # held until it is told: a scrape in between would miss it
    untold: deque[float]

    def _metric_init(self) -> None:
        super()._metric_init()  # type: ignore[no-untyped-call]  # it has no types
        self.untold = deque()
        self.instances.append(self)

    def add(self, amount: float = 1) -> None:
        self.untold.append(amount)
        if len(self.untold) > MAX_UNTOLD:
            self.tell()

    def tell(self) -> None:
        with self.telling:  # others append meanwhile, and nobody else takes
            amounts = [self.untold.popleft() for _ in range(len(self.untold))]
            if amounts:
                self._tell_of(amounts)

    def _tell_of(self, amounts: Sequence[float]) -> None:
        raise NotImplementedError

    def _child_samples(self) -> Any:
        self.tell()
        return super()._child_samples()


class Counter(Tallied, prometheus_client.Counter):
    """A counter that is told of later."""

    inc = Tallied.add  # type: ignore[assignment]  # there are no exemplars

    def _tell_of(self, amounts: Sequence[float]) -> None:
        prometheus_client.Counter.inc(self, sum(amounts))


class Gauge(Tallied, prometheus_client.Gauge):
    """A gauge that goes up and down, and is told of later."""

    inc = Tallied.add

    def dec(self, amount: float = 1) -> None:
        self.add(-amount)

    def _tell_of(self, amounts: Sequence[float]) -> None:
        prometheus_client.Gauge.inc(self, sum(amounts))


class Histogram(Tallied, prometheus_client.Histogram):
    """A histogram that is told of later, each bucket once."""

    observe = Tallied.add  # type: ignore[assignment]  # there are no exemplars

    def _tell_of(self, amounts: Sequence[float]) -> None:
        self._sum.inc(sum(amounts))
        # A bucket has what is not above its bound, and above the one before; the last bound is infinite.
        for index, n in Numbers(bisect_left(self._upper_bounds, amount) for amount in amounts).items():
            self._buckets[index].inc(n)


def tell() -> None:
    """Tell Prometheus' client what this process has counted since."""
    for metric in list(Tallied.instances):
        try:
            metric.tell()
        except Exception:  # the edge of the process: nobody is left who could be told; a full disk, perhaps
            logger.exception("a metric could not be told")


def start() -> None:
    """Tell once a second, in a thread of this process, and when the process ends.

    The end of a Celery pool's processes is not noticed: what they count in their last second is lost.
    """
    threading.Thread(target=_run, name="tallies", daemon=True).start()
    # Not `atexit`: the processes that a web server starts by multiprocessing end without it.
    Finalize(None, tell, exitpriority=10)


def _run() -> None:
    while True:
        time.sleep(TELL_EVERY_SECONDS)
        tell()


def _forget() -> None:
    """Leave to a parent what it counted before it forked."""
    Tallied.telling.release()
    for metric in Tallied.instances:
        metric.untold.clear()


# Nobody tells while a process forks: the child would have prometheus_client's lock, and nobody to give it back.
os.register_at_fork(
    before=Tallied.telling.acquire, after_in_parent=Tallied.telling.release, after_in_child=_forget
)
