"""Send requests over HTTP at their times, whatever the answers take (an open loop), by a few threads.

A thread holds one connection, so no more requests are under way than there are threads; where all of them wait,
requests go out late, and `Sent.late_seconds` says how much.
"""

import http.client
import json
import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from strategies.demo.requests import SCORE_ID, Request

N_THREADS: Final = 16
REQUEST_SECONDS: Final = 20.0
KEPT_SCORES: Final = 200
NO_ANSWER: Final = "no answer"
WAITING_FOR: Final = frozenset({"event"})  # whose scores are read, and taken back, later


@dataclass(slots=True)
class Sent:
    """What was sent and answered. An answer is `STATUS`, `STATUS CODE` or `200 replayed`."""

    n_requests: int = 0
    n_events: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    answers: Counter[str] = field(default_factory=Counter)
    in_batches: Counter[str] = field(default_factory=Counter)
    unexpected: Counter[str] = field(default_factory=Counter)
    times: list[float] = field(default_factory=list)
    late_seconds: float = 0.0
    seconds: float = 0.0


class Sender:
    """Sends until the time is over or `stop` is set."""

    def __init__(self, *, url: str, api_key: str, due: Iterator[tuple[float, Request]]) -> None:
        where = urlsplit(url)
        self._host, self._port = where.hostname or "127.0.0.1", where.port or 80
        self._headers = {"X-API-Key": api_key, "Content-Type": "application/json"}
        self._due = due
        self._queue: queue.SimpleQueue[tuple[float, Request] | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._scores: deque[str] = deque(maxlen=KEPT_SCORES)
        self.sent = Sent()

    def run(self, *, seconds: float, show: Callable[[Sent], None]) -> Sent:
        """Send for so long (0: without end, until Ctrl-C); then wait for what is under way."""
        began_at = time.monotonic()
        threads = [threading.Thread(target=self._work, daemon=True) for _ in range(N_THREADS)]
        for thread in threads:
            thread.start()
        try:
            self._dispatch(began_at, seconds, show)
        except KeyboardInterrupt:
            pass
        finally:
            for _ in threads:
                self._queue.put(None)
            for thread in threads:
                thread.join(REQUEST_SECONDS)
            self.sent.seconds = time.monotonic() - began_at
        return self.sent

    def _dispatch(self, began_at: float, seconds: float, show: Callable[[Sent], None]) -> None:
        for after, request in self._due:
            if seconds and after >= seconds:
                return
            time.sleep(max(0.0, began_at + after - time.monotonic()))
            self._queue.put((began_at + after, request))
            while self._queue.qsize() > N_THREADS:  # so that a slow service leaves no heap behind
                time.sleep(0.005)
            self.sent.seconds = time.monotonic() - began_at
            show(self.sent)

    def _work(self) -> None:
        client = http.client.HTTPConnection(self._host, self._port, timeout=REQUEST_SECONDS)
        while (item := self._queue.get()) is not None:
            due_at, request = item
            path = self._path(request)
            if path is not None:
                self._one(client, request, path, time.monotonic() - due_at)
        client.close()

    def _path(self, request: Request) -> str | None:
        """Put in a score of an earlier answer; None while there is none."""
        if SCORE_ID not in request.path:
            return request.path
        try:
            return request.path.replace(SCORE_ID, self._scores.popleft())
        except IndexError:
            return None

    def _one(self, client: http.client.HTTPConnection, request: Request, path: str, late: float) -> None:
        began_at = time.monotonic()
        answer, body = self._ask(client, request, path)
        with self._lock:
            sent = self.sent
            sent.n_requests += 1
            sent.n_events += 0 if request.method == "GET" else request.n_events
            sent.kinds[request.kind] += 1
            sent.late_seconds = max(sent.late_seconds, late)
            if request.is_abandoned:
                return
            sent.times.append(time.monotonic() - began_at)
            sent.answers[answer] += 1
            if answer not in request.expected:
                sent.unexpected[f"{request.kind}: {answer}"] += 1
            for result in body.get("results", ()):
                sent.in_batches[_answer(result["status"], result.get("score") or result)] += 1
            if request.kind in WAITING_FOR and "scoreId" in body:
                self._scores.append(body["scoreId"])

    def _ask(
        self, client: http.client.HTTPConnection, request: Request, path: str
    ) -> tuple[str, dict[str, Any]]:
        try:
            return self._exchange(client, request, path)
        except (http.client.HTTPException, ConnectionError):
            client.close()  # the server may close a connection at rest; a new one is asked once
        except (OSError, ValueError):
            return NO_ANSWER, {}
        try:
            return self._exchange(client, request, path)
        except (OSError, http.client.HTTPException, ValueError):
            client.close()
            return NO_ANSWER, {}

    def _exchange(
        self, client: http.client.HTTPConnection, request: Request, path: str
    ) -> tuple[str, dict[str, Any]]:
        headers = self._headers | ({"Idempotency-Key": request.key} if request.key else {})
        client.request(request.method, "/api/v1" + path, request.body or None, headers)
        if request.is_abandoned:
            client.close()
            return NO_ANSWER, {}
        response = client.getresponse()
        body: dict[str, Any] = json.loads(response.read())
        return _answer(response.status, body), body


def _answer(status: int, body: dict[str, Any]) -> str:
    if status >= 400:
        return f"{status} {body['error']['code']}"
    return f"{status} replayed" if body.get("replayed") else f"{status}"
