"""Clients that repeat a request until it is answered, and keep every answer."""

import http.client
import json
import random
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

RETRY_SECONDS = 0.1  # after a lost connection, which says nothing about when to come again
REQUEST_SECONDS = 20.0
GIVE_UP_SECONDS = 90.0
JsonDict = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Job:
    """One request: an event, or a batch of events. `keys` names them in their order."""

    path: str
    body: JsonDict
    keys: Sequence[str]

    @property
    def is_batch(self) -> bool:
        return "events" in self.body


class Attempt(NamedTuple):
    """A request that was sent, and its end. Times by the monotonic clock; status 0: the connection was lost."""

    began_at: float
    ended_at: float
    is_batch: bool
    status: int
    code: str
    retry_after: float | None = None

    @property
    def seconds(self) -> float:
        return self.ended_at - self.began_at

    @property
    def is_answer(self) -> bool:
        return 200 <= self.status < 300


class Acknowledged(NamedTuple):
    score_id: str
    points: float
    replayed: bool


@dataclass
class Load:
    """Sends jobs at a steady pace, from threads of which each keeps one connection."""

    port: int
    api_key: str
    jobs: Sequence[Job]
    events_per_second: float
    n_threads: int = 24
    attempts: list[Attempt] = field(default_factory=list)
    acknowledged: dict[str, Acknowledged] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)  # definite answers that are no score

    def start(self) -> None:
        self.n_events = sum(len(job.keys) for job in self.jobs)
        self._due = self._schedule()
        self._lock = threading.Lock()
        self._began_at = time.monotonic()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(self.n_threads)]
        for thread in self._threads:
            thread.start()

    def is_running(self) -> bool:
        return any(thread.is_alive() for thread in self._threads)

    def share_done(self) -> float:
        return (len(self.acknowledged) + len(self.refused)) / self.n_events

    def wait_until(self, share: float, *, title: str = "") -> None:
        """Wait until that share of all events is answered, or nobody is working any more."""
        while self.share_done() < share and self.is_running():
            show_progress(title, self.share_done())
            time.sleep(0.05)

    def wait(self, *, title: str = "") -> float:
        """Wait for the end; return the seconds since the start."""
        self.wait_until(1.0, title=title)
        for thread in self._threads:
            thread.join()
        return time.monotonic() - self._began_at

    def _schedule(self) -> Iterator[tuple[float, Job]]:
        seconds = 0.0
        for job in self.jobs:
            yield seconds, job
            seconds += len(job.keys) / self.events_per_second

    def _next(self) -> tuple[float, Job] | None:
        with self._lock:
            return next(self._due, None)

    def _run(self) -> None:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=REQUEST_SECONDS)
        while (due := self._next()) is not None:
            seconds, job = due
            time.sleep(max(0.0, self._began_at + seconds - time.monotonic()))
            self._until_answered(client, job)
        client.close()

    def _until_answered(self, client: http.client.HTTPConnection, job: Job) -> None:
        give_up_at = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < give_up_at:
            attempt, body = self._send(client, job)
            self.attempts.append(attempt)
            if attempt.is_answer:
                self._keep(job, body)
                return
            if attempt.status not in {0, 429, 503}:
                self.refused += [f"{key}: {attempt.status} {attempt.code}" for key in job.keys]
                return
            pause = RETRY_SECONDS if attempt.retry_after is None else attempt.retry_after
            time.sleep(pause * random.uniform(1.0, 1.2))  # noqa: S311  # jitter
        self.refused += [f"{key}: not answered in {GIVE_UP_SECONDS:.0f} s" for key in job.keys]

    def _send(self, client: http.client.HTTPConnection, job: Job) -> tuple[Attempt, JsonDict]:
        headers = {"X-API-Key": self.api_key, "Content-Type": "application/json"}
        if not job.is_batch:
            headers["Idempotency-Key"] = job.keys[0]
        began_at = time.monotonic()
        try:
            client.request("POST", "/api/v1" + job.path, json.dumps(job.body).encode(), headers)
            response = client.getresponse()
            body: JsonDict = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as error:
            client.close()
            return Attempt(began_at, time.monotonic(), job.is_batch, 0, type(error).__name__), {}
        code = body.get("error", {}).get("code", "") if response.status >= 400 else ""
        header = response.headers.get("Retry-After")
        retry_after = None if header is None else float(header)
        attempt = Attempt(began_at, time.monotonic(), job.is_batch, response.status, code, retry_after)
        return attempt, body

    def _keep(self, job: Job, body: JsonDict) -> None:
        results = body["results"] if job.is_batch else [{"status": 201, "score": body}]
        for key, result in zip(job.keys, results, strict=True):
            score = result.get("score")
            if score is None:
                self.refused.append(f"{key}: {result['status']} {result['error']['code']} in a batch")
            else:
                self.acknowledged[key] = Acknowledged(score["scoreId"], score["points"], score["replayed"])


def show_progress(title: str, share: float) -> None:
    """Draw a bar on a terminal; say nothing elsewhere."""
    if title and sys.stdout.isatty():
        done = round(share * 30)
        print(f"\r{title:<24} [{'#' * done}{' ' * (30 - done)}] {share:4.0%} ", end="", flush=True)
        if share >= 1:
            print("\r" + " " * 70 + "\r", end="", flush=True)
