"""Fill the demo realm's past: days of events, scored by the ledger's own rules, thousands a second.

A day that has been filled is left alone, and nothing is put before what a player has already done. So it can be
run again, and beside a service that is scoring.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

import psycopg
from django.db import connection

from gameproject.lib import clock
from gameproject.lib.errors import Conflict, Unavailable
from strategies import targets
from strategies.batch import MAX_EVENTS, Row
from strategies.demo.catalogue import REALM
from strategies.demo.crowd import Crowd
from strategies.demo.earlier import Earlier
from strategies.demo.past import DAY, PastEvent, events_of_day, shares
from strategies.demo.past_batch import PastBatch
from strategies.events import Event
from strategies.models import Realm, Score
from strategies.scoring import ConfigurationChanged

EVENTS_PER_PLAYER: Final = 8
EARLIER_UNTIL: Final = 0.55  # of the days: then the versions of today came
MAX_ATTEMPTS: Final = 5
BATCH_SECONDS: Final = 60.0
TABLES: Final = (
    "strategies_score, strategies_player, strategies_playergamestats, strategies_playertaskstats, "
    "strategies_taskstats"
)


@dataclass(slots=True)
class Filled:
    """What a run has done. `n_later`: events of players who had later scores already."""

    n_days: int = 0
    n_days_there: int = 0
    n_scores: int = 0
    n_later: int = 0
    n_failed: int = 0


def fill_history(
    *, realm: Realm, n_days: int, n_events: int, seed: int, progress: Callable[[float, Filled], None]
) -> Filled:
    """Score about `n_events` over the last `n_days` (UTC), today up to now included.

    Raises Conflict for any realm but the demo's.
    """
    if realm.slug != REALM:
        raise Conflict(f"The realm {realm.slug!r} is not the demo's: its past is its own.")
    now = clock.now()
    days = [now.date() - DAY * back for back in reversed(range(n_days))]
    crowd = Crowd(seed, max(1, n_events // EVENTS_PER_PLAYER))
    there, filled, earlier = _days_that_are_there(realm, days), Filled(), Earlier(realm)
    for index, (day, share) in enumerate(zip(days, shares(days, seed=seed), strict=True)):
        if day in there:
            filled.n_days_there += 1
        else:
            past = events_of_day(
                day,
                n_events=round(n_events * share),
                crowd=crowd,
                seed=seed,
                grown=(index + 1) / n_days,
                until=now,
            )
            is_earlier = index < n_days * EARLIER_UNTIL - 1
            _fill_day(realm, day, past, filled, earlier if is_earlier else None)
        progress((index + 1) / n_days, filled)
    # Plans made on empty tables would stay sequential scans.
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {TABLES}")
    return filled


def _mark(day: date) -> str:
    """Name the request that a day's scores belong to: by it they are found again."""
    return f"demo-history-{day}"


def _days_that_are_there(realm: Realm, days: Sequence[date]) -> set[date]:
    marks = {_mark(day): day for day in days}
    found = Score.objects.filter(realm=realm, request_id__in=marks).values_list("request_id", flat=True)
    return {marks[mark] for mark in found.distinct()}


def _fill_day(
    realm: Realm, day: date, past: Sequence[PastEvent], filled: Filled, earlier: Earlier | None
) -> None:
    filled.n_days += 1
    for start in range(0, len(past), MAX_EVENTS):
        for row in _score(realm, _mark(day), past[start : start + MAX_EVENTS], earlier):
            filled.n_scores += row.answer is not None
            filled.n_later += isinstance(row.error, Conflict)
            filled.n_failed += row.error is not None and not isinstance(row.error, Conflict)


def _score(realm: Realm, mark: str, past: Sequence[PastEvent], earlier: Earlier | None) -> list[Row]:
    for _ in range(MAX_ATTEMPTS):
        realm.refresh_from_db(fields=["config_epoch"])
        rows = [_row(realm, event, mark, earlier) for event in past]
        try:
            PastBatch(
                realm_id=realm.pk,
                epoch=realm.config_epoch,
                rows=rows,
                times=[event.at for event in past],
                request_id=mark,
                until=time.monotonic() + BATCH_SECONDS,
            ).score()
        except (ConfigurationChanged, psycopg.errors.DeadlockDetected):
            targets.forget_all()
        else:
            return rows
    raise Unavailable("The realm changes too often just now. Run it again.")


def _row(realm: Realm, past: PastEvent, mark: str, earlier: Earlier | None) -> Row:
    happening = past.happening
    event = Event(
        game=happening.game,
        task=happening.task,
        external_user_id=happening.person.name,
        data=happening.data,
        is_test=past.is_test,
        session_key=happening.session_key,
        idempotency_key=f"{mark}-{past.number}",
    )
    target = targets.find(realm.pk, event.game, event.task)
    return Row(event, event.fingerprint(), 0, earlier.of(target) if earlier else target)
