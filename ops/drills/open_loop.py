"""Requests at their times, whether or not the earlier ones have been answered: what had to wait shows in the latency.

Each is sent once, and no client stops for a bad answer. A closed loop would send less while the service is slow, and
so hide the very thing that is looked for.
"""

import http.client
import itertools
import json
import random
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

N_CLIENTS: Final = 48
TIMEOUT_SECONDS: Final = 20.0
N_PLAYERS: Final = 10_000
BATCH_SHARE: Final = 0.02
BATCH_SIZE: Final = 20
TASK: Final = "measured"


@dataclass(frozen=True, slots=True)
class Request:
    path: str
    body: dict[str, Any]
    request_id: str

    @property
    def is_batch(self) -> bool:
        return "events" in self.body


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back. `seconds` since the request was due; status 0: the connection was lost."""

    request: Request
    seconds: float
    status: int
    score_ids: tuple[str, ...] = ()

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300


def requests(game: str, name: str) -> Iterator[Request]:
    """Make events of many players, and now and then a batch, without end; ids begin with the name."""
    dice = random.Random(name)  # noqa: S311  # no secret
    for number in itertools.count():
        if dice.random() < BATCH_SHARE:
            events = [{"gameId": game, "externalTaskId": TASK, **_event(dice)} for _ in range(BATCH_SIZE)]
            yield Request("/api/v1/scores/batch", {"events": events}, f"{name}-{number}")
        else:
            path = f"/api/v1/games/{game}/tasks/{TASK}/points"
            yield Request(path, _event(dice), f"{name}-{number}")


def _event(dice: random.Random) -> dict[str, Any]:
    player = f"p{dice.randrange(N_PLAYERS)}"
    return {"externalUserId": player, "data": {"minutes": dice.randint(1, 90)}}


@dataclass
class OpenLoop:
    """So many requests a second for so many seconds, longer while it is held; without a rate, as many as there can be."""

    port: int
    api_key: str
    requests: Iterator[Request]
    per_second: float
    seconds: float
    answers: list[Answer] = field(default_factory=list)
    is_held: bool = False

    def start(self) -> None:
        self._lock = threading.Lock()
        self._n_sent = 0
        self._began_at = time.monotonic()
        self._threads = [threading.Thread(target=self._run, daemon=True) for _ in range(N_CLIENTS)]
        for thread in self._threads:
            thread.start()

    def wait(self) -> list[Answer]:
        for thread in self._threads:
            thread.join()
        return self.answers

    def run(self) -> list[Answer]:
        self.start()
        return self.wait()

    def _next(self) -> tuple[float, Request] | None:
        with self._lock:
            due_at = max(self._began_at + self._n_sent / self.per_second, self._floor())
            if due_at >= self._began_at + self.seconds and not self.is_held:
                return None
            self._n_sent += 1
            return due_at, next(self.requests)

    def _floor(self) -> float:
        """Without a rate everything is due at once."""
        return time.monotonic() if self.per_second == float("inf") else 0.0

    def _run(self) -> None:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_SECONDS)
        while (following := self._next()) is not None:
            due_at, request = following
            time.sleep(max(0.0, due_at - time.monotonic()))
            status, score_ids = self._send(client, request)
            self.answers.append(Answer(request, time.monotonic() - due_at, status, score_ids))
        client.close()

    def _send(self, client: http.client.HTTPConnection, request: Request) -> tuple[int, tuple[str, ...]]:
        headers = {
            "X-API-Key": self.api_key,
            "Content-Type": "application/json",
            "X-Request-ID": request.request_id,
        }
        try:
            client.request("POST", request.path, json.dumps(request.body).encode(), headers)
            response = client.getresponse()
            body: dict[str, Any] = json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError):
            client.close()
            return 0, ()
        return response.status, _score_ids(body)


def _score_ids(body: dict[str, Any]) -> tuple[str, ...]:
    results = [each.get("score") or {} for each in body.get("results", [])] or [body]
    return tuple(score["scoreId"] for score in results if "scoreId" in score)
