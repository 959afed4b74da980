"""The events of days that are over: hours of waking people, weekdays, growth, sessions, an incident. Pure."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count
from random import Random
from typing import Final

from strategies.demo.crowd import HOURS, Crowd
from strategies.demo.happenings import Happening, session

DAY: Final = timedelta(days=1)
WEEKDAYS: Final = (0.9, 0.95, 1.0, 1.0, 1.1, 1.35, 1.2)
GROWTH: Final = 1.2  # the last day has so many times more than the first, on top of it
SHARE_OF_TESTS: Final = 0.01
THURSDAY: Final = 3
SHARE_LOST_IN_INCIDENT: Final = 0.8


@dataclass(frozen=True, slots=True)
class PastEvent:
    """A happening and its time. `number` counts within the day."""

    at: datetime
    number: int
    happening: Happening
    is_test: bool


def incident_of(day: date) -> tuple[datetime, datetime] | None:
    """Return when that day's incident began and ended: the second Thursday of each month has one, of two hours and a half."""
    if day.weekday() != THURSDAY or not 8 <= day.day <= 14:
        return None
    noon = datetime.combine(day, time(12), UTC)
    return noon + timedelta(hours=4), noon + timedelta(hours=6, minutes=30)


def shares(days: list[date], *, seed: int) -> list[float]:
    """Return each day's share of all events: weekday, growth, and some noise."""
    draw = Random(f"shares {seed}")  # noqa: S311  # lifelike, not secret
    raw = [
        WEEKDAYS[day.weekday()] * (1 + GROWTH * index / len(days)) * math.exp(draw.gauss(0, 0.08))
        for index, day in enumerate(days)
    ]
    return [each / sum(raw) for each in raw]


def events_of_day(
    day: date, *, n_events: int, crowd: Crowd, seed: int, grown: float, until: datetime
) -> list[PastEvent]:
    """Return the events of a day (UTC) in order of time, all of them earlier than `until`.

    `grown` says how much of the history is over, from 0 to 1: who joins later is not there yet.
    """
    # A day's own seed: it can be made without the days before it.
    draw = Random(f"day {seed} {day}")  # noqa: S311  # lifelike, not secret
    midnight = datetime.combine(day, time(), UTC)
    happened = sorted(
        _happenings(draw, crowd, midnight, n_events, grown),
        key=lambda timed: (timed[0], timed[1].session_key),
    )
    return [
        PastEvent(at, number, happening, draw.random() < SHARE_OF_TESTS)
        for number, (at, happening) in enumerate(happened)
        if at < until
    ]


def _happenings(
    draw: Random, crowd: Crowd, midnight: datetime, n_events: int, grown: float
) -> Iterator[tuple[datetime, Happening]]:
    n_left = n_events
    incident = incident_of(midnight.date())
    for number in count():
        [hour] = draw.choices(range(24), weights=HOURS)
        began_at = midnight + timedelta(hours=hour, seconds=draw.uniform(0, 3600))
        for happening in session(draw, crowd.one(draw, by=grown), f"{midnight:%Y%m%d}-{number}"):
            at = began_at + happening.after
            if n_left == 0:
                return
            if at < midnight + DAY:  # who plays past midnight is not followed
                n_left -= 1
                if not (
                    incident and incident[0] <= at < incident[1] and draw.random() < SHARE_LOST_IN_INCIDENT
                ):
                    yield at, happening
