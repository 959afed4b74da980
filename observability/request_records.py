"""A record of every request, made without slowing it.

`note` appends to a list: microseconds. A daemon thread of the process makes messages, one for up to 200 records or a
second, and puts them into the queue `requests`. While the broker is away a hundred messages wait; what comes after
that is lost, counted, and told by the next message that gets through. What waits when the process ends is sent then.
"""

import functools
import logging
import os
import random
import re
import threading
import time
from collections import deque
from collections.abc import Mapping
from multiprocessing.util import Finalize
from typing import Final, NamedTuple

from django.conf import settings
from django.core.signals import setting_changed
from django.http import HttpRequest, HttpResponse

from gameproject.lib import request_context
from observability import metrics, request_messages
from observability.broker import Broker
from observability.capped_queue import CappedQueue, Push
from observability.models.api_requests import RequestKind
from observability.request_messages import MAX_RECORDS, Lost, Message, Record, quarter_of

logger = logging.getLogger(__name__)

API: Final = "/api/v1/"
ADMIN: Final = "/admin/"
NOTED: Final = (API, ADMIN)  # probes, scrapes and static files are nobody's requests
POINTS_ROUTE: Final = "/api/v1/games/{game}/tasks/{task}/points"
SCORING_ROUTES: Final = (POINTS_ROUTE, "/api/v1/scores/batch")
METHODS: Final = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})
READING: Final = frozenset({"GET", "HEAD", "OPTIONS"})
CONVERTER: Final = re.compile(r"<(?:\w+:)?(\w+)>")

SEND_EVERY_SECONDS: Final = 1.0
MAX_BUFFERED: Final = 20_000
MAX_WAITING_MESSAGES: Final = 100


class Seen(NamedTuple):
    """A request as it ended: what is at hand, and no reference to its body."""

    ended_at: float
    seconds: float
    method: str
    is_admin: bool
    route: str | None
    status: int
    key_prefix: str
    request_id: str


def note(request: HttpRequest, response: HttpResponse, started: float) -> None:
    """Remember a request that has been answered. `started` is of `time.perf_counter()`.

    To be called by the thread that served it, while what was bound for it is bound (gameproject/lib/request_context.py).
    """
    path = request.path_info
    if not path.startswith(NOTED):
        return
    match = request.resolver_match
    add(
        request.method or "",
        match.route if match else None,
        response.status_code,
        time.perf_counter() - started,
        request_id=getattr(request, "request_id", ""),
        is_admin=path.startswith(ADMIN),
    )


def add(
    method: str, route: str | None, status: int, seconds: float, *, request_id: str, is_admin: bool = False
) -> None:
    """Remember a request by what is known of it; `route` as Django writes it."""
    rate = settings.API_REQUESTS_SAMPLE_RATE
    if rate < 1 and random.random() >= rate:  # noqa: S311  # no secret
        return
    api_key = request_context.value_of("api_key")
    collector().add(Seen(time.time(), seconds, method, is_admin, route, status, api_key, request_id))


# ── What a record says ───────────────────────────────────────────────────────────────────────────
def record_of(seen: Seen, *, weight: float) -> Record:
    method = seen.method if seen.method in METHODS else "OTHER"
    route = template_of(seen.route)
    return Record(
        at=seen.ended_at - seen.seconds,
        method=method,
        route=route,
        kind=RequestKind.ADMIN if seen.is_admin else kind_of(route, method),
        status=seen.status,
        milliseconds=to_three_digits(seen.seconds * 1000),
        key_prefix=seen.key_prefix,
        request_id=seen.request_id,
        weight=weight,
    )


@functools.lru_cache(1000)
def template_of(route: str | None) -> str:
    """Write a route as the API's description does, `/api/v1/games/{game}`; a path that is none of ours has none."""
    return "" if route is None else "/" + CONVERTER.sub(r"{\1}", route)[:199]


def kind_of(route: str, method: str) -> RequestKind:
    if method in READING:
        return RequestKind.READ
    return RequestKind.SCORE if route in SCORING_ROUTES else RequestKind.WRITE


def to_three_digits(milliseconds: float) -> float:
    """Round, by half a percent at most: a day's millions then have some thousand different times to be counted by."""
    return float(f"{milliseconds:.3g}")


# ── The way out of the process ───────────────────────────────────────────────────────────────────
class Collector:
    """The records of this process on their way into the queue. Safe for threads."""

    def __init__(self, queue: CappedQueue, *, rate: float = 1.0) -> None:
        self._queue = queue
        self._weight = 1 / rate if rate else 0.0
        self._seen: deque[Seen] = deque()
        self._waiting: deque[Message] = deque()
        self._lost: dict[Lost, float] = {}
        self._losing = threading.Lock()
        self._sending = threading.Lock()
        self._starting = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, seen: Seen) -> None:
        n = len(self._seen)
        if n >= MAX_BUFFERED:
            self._lose({Lost(quarter_of(seen.ended_at), seen.key_prefix, "buffer_full"): self._weight})
            return
        self._seen.append(seen)
        if n + 1 == MAX_RECORDS:
            self._wake.set()
        if self._thread is None:
            self._start()

    def flush(self) -> None:
        """Send what there is, as far as the broker takes it."""
        with self._sending:
            while self._seen or (self._lost and not self._waiting):
                self._waiting.append(self._next_message())
            while self._waiting and self._is_done_with(self._waiting[0]):
                self._waiting.popleft()
            while len(self._waiting) > MAX_WAITING_MESSAGES:
                self._lose_message(self._waiting.pop(), Push.BROKER_UNAVAILABLE)

    def _next_message(self) -> Message:
        n = min(len(self._seen), MAX_RECORDS)
        records = [record_of(self._seen.popleft(), weight=self._weight) for _ in range(n)]
        with self._losing:
            lost, self._lost = self._lost, {}
        return request_messages.write(records, lost)

    def _is_done_with(self, message: Message) -> bool:
        """Send a message. One that nobody confirmed is sent again: it is stored once."""
        pushed = self._queue.push(message.envelope())
        if pushed is Push.QUEUE_FULL:
            self._lose_message(message, pushed)
        return pushed in {Push.DONE, Push.QUEUE_FULL}

    def _lose_message(self, message: Message, reason: Push) -> None:
        self._tell_later(request_messages.told_by(message))
        self._lose(request_messages.lost_with(message, reason))

    def _lose(self, lost: Mapping[Lost, float]) -> None:
        for of, n in lost.items():
            metrics.API_REQUESTS_DROPPED.labels(of.reason).inc(n)
        self._tell_later(lost)

    def _tell_later(self, lost: Mapping[Lost, float]) -> None:
        with self._losing:
            for of, n in lost.items():
                self._lost[of] = self._lost.get(of, 0.0) + n

    def _start(self) -> None:
        with self._starting:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="request-records", daemon=True)
                self._thread.start()
                # Not `atexit`: the processes that a web server starts by multiprocessing end without it.
                Finalize(None, self.flush, exitpriority=10)

    def _run(self) -> None:
        while True:
            self._wake.wait(SEND_EVERY_SECONDS)
            self._wake.clear()
            try:
                self.flush()
            except Exception:  # the edge of the process: nobody is left who could be told
                logger.exception("request records could not be sent")


@functools.cache
def collector() -> Collector:
    """Return this process's collector."""
    queue = CappedQueue(
        Broker(settings.REDIS_URL),
        request_messages.QUEUE,
        max_messages=settings.API_REQUESTS_QUEUE_MAXSIZE,
    )
    return Collector(queue, rate=settings.API_REQUESTS_SAMPLE_RATE)


os.register_at_fork(after_in_child=collector.cache_clear)


def forget_collector(*, setting: str, **_: object) -> None:
    if setting in {"REDIS_URL", "API_REQUESTS_QUEUE_MAXSIZE", "API_REQUESTS_SAMPLE_RATE"}:
        collector.cache_clear()


setting_changed.connect(forget_collector)
