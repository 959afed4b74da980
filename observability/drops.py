"""Which traces this process lost, told with the next message that gets through.

Counters do not say when, and not to a page; so the losses of each minute travel to the worker, who stores them
(`TraceDrops`). Each report has an id and is stored once, so it may be sent again until a message was surely taken.
What a process has not told when it ends is lost to the table, not to the counters.
"""

import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

import msgspec
from django.db.models import Sum

from gameproject.lib import clock
from gameproject.lib.ids import uuid7
from observability import metrics
from observability.models import TraceDrops

SECONDS_BETWEEN_REPORTS: Final = 1.0


class Lost(msgspec.Struct, rename="camel"):
    """How many traces were lost in a minute for a reason."""

    minute: datetime
    reason: str
    n: int


class Report(msgspec.Struct, rename="camel"):
    id: uuid.UUID
    lost: list[Lost]


class Drops:
    """What this process has lost and not told yet. Safe for threads."""

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self._timer = timer
        self._lock = threading.Lock()
        self._counts: Counter[tuple[datetime, str]] = Counter()
        self._pending: Report | None = None
        self._not_before = 0.0

    def add(self, reason: str, n: int = 1) -> None:
        metrics.drop(reason, n)
        minute = clock.now().replace(second=0, microsecond=0)
        with self._lock:
            self._counts[minute, reason] += n

    def report(self) -> Report | None:
        """Return what a message is to tell, if there is anything: the same until it has been told."""
        with self._lock:
            if self._pending is None and self._counts and self._timer() >= self._not_before:
                lost = [Lost(minute, reason, n) for (minute, reason), n in self._counts.items()]
                self._pending = Report(uuid7(), lost)
                self._counts.clear()
                self._not_before = self._timer() + SECONDS_BETWEEN_REPORTS
            return self._pending

    def told(self, report: Report | None) -> None:
        with self._lock:
            if report is not None and self._pending is not None and self._pending.id == report.id:
                self._pending = None


drops = Drops()


def store(report: Report) -> None:
    """Store a report, once however often it comes. Raises OperationalError."""
    TraceDrops.objects.bulk_create(
        [
            TraceDrops(report_id=report.id, minute=lost.minute, reason=lost.reason, n_traces=lost.n)
            for lost in report.lost
        ],
        ignore_conflicts=True,
    )


def forget_before(at: datetime) -> None:
    TraceDrops.objects.filter(minute__lt=at).delete()


def lost_between(since: datetime | None, until: datetime | None) -> Sequence[tuple[str, int]]:
    """Return how many traces were lost in a span of time, by reason, most first."""
    rows = TraceDrops.objects.all()
    if since is not None:
        rows = rows.filter(minute__gte=since.replace(second=0, microsecond=0))
    if until is not None:
        rows = rows.filter(minute__lt=until)
    summed = rows.values_list("reason").annotate(n=Sum("n_traces")).order_by("-n", "reason")
    return [(reason, n) for reason, n in summed]
