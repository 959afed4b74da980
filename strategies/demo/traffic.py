"""Lifelike traffic, request by request: sessions of a crowd, retries, batches, mistakes, reads. Pure.

The same seed gives the same requests; `run` goes into the idempotency keys, so that a second run with the same
seed is traffic and not one long retry.
"""

import json
import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import count
from random import Random
from typing import Final

from strategies.demo.catalogue import GAMES
from strategies.demo.crowd import Crowd
from strategies.demo.happenings import Happening, JsonDict, session
from strategies.demo.requests import (
    READ,
    SCORE_ID,
    SCORED,
    SCORED_OR_REPLAYED,
    Request,
    event_body,
    json_bytes,
    score_path,
)

SESSIONS_AT_ONCE: Final = 40
# Requests that come back are at least so far behind: by then the first one has been answered.
RETRY_AFTER: Final = 60
SECONDS_OF_A_DAY: Final = 60.0  # the demo's days are short
SWING: Final = 0.4


class Traffic:
    """An endless stream of requests."""

    def __init__(self, *, seed: int, run: str, n_players: int = 5000) -> None:
        self._draw = Random(f"traffic {seed}")  # noqa: S311  # lifelike, not secret
        self._run = run
        self._crowd = Crowd(seed, n_players)
        self._numbers = count()
        self._open: list[Iterator[Happening]] = []
        self._sent: deque[Request] = deque(maxlen=RETRY_AFTER)
        self._abandoned: deque[tuple[int, Request]] = deque()

    def __iter__(self) -> Iterator[Request]:
        makers, weights = list(MIX), list(MIX.values())
        for number in count():
            if self._abandoned and self._abandoned[0][0] <= number:
                yield self._abandoned.popleft()[1].again("retry after a timeout", SCORED_OR_REPLAYED)
                continue
            [make] = self._draw.choices(makers, weights=weights)
            request = make(self)
            if request.is_abandoned:
                self._abandoned.append((number + RETRY_AFTER, request))
            elif request.kind == "event":
                self._sent.append(request)
            yield request

    # ── What goes right ──────────────────────────────────────────────────────────────────────────
    def event(self) -> Request:
        return self._score(self._happening(), kind="event")

    def test_event(self) -> Request:
        return self._score(self._happening(), kind="test event", isTest=True)

    def abandoned(self) -> Request:
        return self._score(self._happening(), kind="event, client gives up", is_abandoned=True)

    def retry(self) -> Request:
        if len(self._sent) < RETRY_AFTER:
            return self.event()
        return self._sent[0].again("retry", SCORED_OR_REPLAYED)

    def batch(self) -> Request:
        happenings = [self._happening() for _ in range(self._draw.randint(2, 40))]
        events = [
            {
                "gameId": each.game,
                "externalTaskId": each.task,
                "idempotencyKey": self._key(),
                **event_body(each),
            }
            for each in happenings
        ]
        # One mistake stops no other event.
        events[self._draw.randrange(len(events))]["externalTaskId"] = "sing-a-song"
        return Request(
            kind="batch",
            path="/scores/batch",
            body=json_bytes({"events": events}),
            n_events=len(events),
            expected=READ,
        )

    def reversal(self) -> Request:
        return Request(
            kind="reversal",
            path=f"/scores/{SCORE_ID}/reversal",
            body=json_bytes({"reason": "The photo shows another fountain."}),
            expected=SCORED,
        )

    def read(self) -> Request:
        game = self._draw.choice(GAMES).external_id
        path = self._draw.choice(
            [
                f"/games/{game}/leaderboard?limit=10",
                f"/games/{game}/tasks",
                "/games",
                f"/scores/{SCORE_ID}/explain",
            ]
        )
        return Request(kind="read", method="GET", path=path, expected=READ)

    # ── What goes wrong ──────────────────────────────────────────────────────────────────────────
    def unknown_task(self) -> Request:
        return self._wrong("unknown task", "404 TASK_NOT_FOUND", task="sing-a-song")

    def closed_task(self) -> Request:
        game = next(game for game in GAMES if game.closed)
        body = {"externalUserId": self._happening().person.name}
        return Request(
            kind="closed task",
            path=score_path(game.external_id, next(iter(game.closed))),
            body=json_bytes(body),
            expected=frozenset({"409 TASK_CLOSED"}),
        )

    def invalid_body(self) -> Request:
        bad: list[tuple[bytes, str]] = [
            (b'{"externalUserId": "ana", ', "400 NOT_JSON"),
            (json_bytes({"user": "ana"}), "400 BODY_INVALID"),
            (json_bytes({"externalUserId": 7, "data": []}), "400 BODY_INVALID"),
        ]
        body, answer = self._draw.choice(bad)
        happening = self._happening()
        return Request(
            kind="invalid body",
            path=score_path(happening.game, happening.task),
            body=body,
            expected=frozenset({answer}),
        )

    def failing_run(self) -> Request:
        data, answer = self._draw.choice(
            [
                ({"words": 12, "minutes": 0}, "422 DSL_ARITH_DIV_BY_ZERO"),
                ({"words": 12, "minutes": "five"}, "422 DSL_INPUT_TYPE"),
                ({"minutes": 5}, "422 DSL_INPUT_MISSING"),
            ]
        )
        return Request(
            kind="run that fails",
            path=score_path("language-school", "finish-a-lesson"),
            body=json_bytes({"externalUserId": self._happening().person.name, "data": data}),
            key=self._key(),
            expected=frozenset({answer}),
        )

    def oversized_data(self) -> Request:
        return self._wrong("oversized data", "413 DATA_TOO_LARGE", data={"photo": "x" * 20_000})

    def key_of_another_event(self) -> Request:
        if len(self._sent) < RETRY_AFTER:
            return self.event()
        first = self._sent[0]
        body = {**json.loads(first.body), "data": {"minutes": 1, "changed": True}}
        again = first.again("key of another event", frozenset({"409 IDEMPOTENCY_KEY_REUSED"}))
        return replace(again, body=json_bytes(body))

    # ── Parts ────────────────────────────────────────────────────────────────────────────────────
    def _happening(self) -> Happening:
        """Go on with one of the open sessions; where one ends, somebody else comes."""
        while True:
            if len(self._open) < SESSIONS_AT_ONCE:
                key = f"{self._run}-{next(self._numbers)}"
                self._open.append(session(self._draw, self._crowd.one(self._draw), key))
            index = self._draw.randrange(len(self._open))
            happening = next(self._open[index], None)
            if happening is not None:
                return happening
            del self._open[index]

    def _score(
        self, happening: Happening, *, kind: str, is_abandoned: bool = False, **more: object
    ) -> Request:
        return Request(
            kind=kind,
            path=score_path(happening.game, happening.task),
            body=json_bytes({**event_body(happening), **more}),
            key=self._key(),
            expected=SCORED,
            is_abandoned=is_abandoned,
        )

    def _wrong(self, kind: str, answer: str, *, task: str = "", data: JsonDict | None = None) -> Request:
        happening = self._happening()
        return Request(
            kind=kind,
            path=score_path(happening.game, task or happening.task),
            body=json_bytes(event_body(happening) | ({"data": data} if data else {})),
            key=self._key(),
            expected=frozenset({answer}),
        )

    def _key(self) -> str:
        return f"demo-{self._run}-{next(self._numbers)}"


# How often each is sent, of a thousand.
MIX: Final[Mapping[Callable[[Traffic], Request], int]] = {
    Traffic.event: 800,
    Traffic.retry: 40,
    Traffic.abandoned: 10,
    Traffic.read: 60,
    Traffic.batch: 12,
    Traffic.test_event: 15,
    Traffic.reversal: 8,
    Traffic.unknown_task: 10,
    Traffic.closed_task: 8,
    Traffic.invalid_body: 10,
    Traffic.failing_run: 15,
    Traffic.oversized_data: 4,
    Traffic.key_of_another_event: 8,
}


def due_seconds(requests: Iterator[Request], *, rate: float) -> Iterator[tuple[float, Request]]:
    """Give each request its time from the start, at `rate` events a second on the mean, more by day than by night."""
    seconds = 0.0
    for request in requests:
        yield seconds, request
        phase = 2 * math.pi * seconds / SECONDS_OF_A_DAY
        seconds += request.n_events / (rate * (1 + SWING * math.sin(phase)))
