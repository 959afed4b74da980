"""Rolling days up: one transaction for each day and time zone, oldest first.

Killed in the middle, the next run begins with the day that was not finished. Two runs at once take turns at a day, by an
advisory lock, and write the same rows; a provisional row never replaces a final one.
"""

import uuid
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import chain
from typing import Final
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Q

from gameproject.lib import clock
from kpi import hourly, rollup, so_far, sources
from kpi.models import KpiMetrics, RollupProgress
from kpi.rollup import Counted, Due, Progress, Window
from kpi.sources import Scope
from observability import uptime
from observability.partitions import REQUESTS
from strategies.models import Realm

UTC: Final = ZoneInfo("UTC")
LOCK: Final = 0x4B5049  # "KPI"
KEY: Final = ("realm", "day")
# What rests on records that are kept for some weeks: a day that is rolled up again after that keeps what it has.
OF_REQUESTS: Final = frozenset(
    {
        *("n_requests", "success_rate", "client_error_rate", "server_error_rate"),
        *("latency_mean_ms", "latency_p50_ms", "latency_p95_ms", "latency_p99_ms"),
        *("n_score_requests", "n_score_requests_over_200_ms", "n_score_requests_over_500_ms"),
        *("n_requests_lost", "completeness"),
    }
)
UPSERTED: Final = (*rollup.figures(Counted()), "time_zone", "is_provisional", "rolled_up_at")


@dataclass(frozen=True, slots=True)
class Part:
    """What is rolled up in one go: a day of all realms of a time zone, or of all realms as one."""

    day: date
    zone: ZoneInfo
    scope: Scope
    is_provisional: bool


def roll_up_due(now: datetime) -> int:
    """Roll up what is due; return how many parts that were."""
    parts = due_parts(now)
    for part in parts:
        roll_up(part, remembers=True)
    return len(parts)


def roll_up_days(
    first: date, last: date, *, progress: Callable[[float, date], None] = lambda _share, _day: None
) -> int:
    """Roll up all realms' days from the first to the last, whatever has been; return how many parts that were."""
    parts = parts_of_days(first, last, now=clock.now())
    for n, part in enumerate(parts, start=1):
        roll_up(part)
        progress(n / len(parts), part.day)
    hourly.count_again(Window(rollup.window_of(first, UTC).begin, rollup.window_of(last, UTC).end))
    return len(parts)


# ── What is to be done ───────────────────────────────────────────────────────────────────────────
def due_parts(now: datetime) -> list[Part]:
    known = {
        row.realm_id: Progress(row.first_day, row.final_through, row.provisional_at)
        for row in RollupProgress.objects.all()
    }
    wanted: defaultdict[tuple[Due, ZoneInfo], list[uuid.UUID]] = defaultdict(list)
    for realm in Realm.objects.order_by("pk"):
        zone = ZoneInfo(realm.time_zone)
        for each in rollup.due(now, zone, known.get(realm.pk, Progress())):
            wanted[each, zone].append(realm.pk)
    of_realms = [
        Part(due.day, zone, Scope(tuple(realm_ids)), due.is_provisional)
        for (due, zone), realm_ids in wanted.items()
    ]
    of_all = [
        Part(due.day, UTC, Scope(), due.is_provisional)
        for due in rollup.due(now, UTC, known.get(None, Progress()))
    ]
    return sorted(chain(of_realms, of_all), key=lambda part: part.day)


def parts_of_days(first: date, last: date, *, now: datetime) -> list[Part]:
    """Name the parts of some days. Days that have not begun are left out; a running one is provisional."""
    by_zone: defaultdict[ZoneInfo, list[uuid.UUID]] = defaultdict(list)
    for realm in Realm.objects.order_by("pk"):
        by_zone[ZoneInfo(realm.time_zone)].append(realm.pk)
    scopes = [(UTC, Scope()), *((zone, Scope(tuple(realm_ids))) for zone, realm_ids in by_zone.items())]
    return [
        Part(day, zone, scope, is_provisional=rollup.window_of(day, zone).end > now)
        for day in rollup.days_between(first, last)
        for zone, scope in scopes
        if rollup.window_of(day, zone).begin <= now
    ]


# ── Doing it ─────────────────────────────────────────────────────────────────────────────────────
def roll_up(part: Part, *, remembers: bool = False) -> None:
    """Count a day and store its rows; and that it was done, if its turn had come."""
    with transaction.atomic():
        _take_turns(part.day)
        _store(part)
        if remembers:
            _remember(part)


def _take_turns(day: date) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [LOCK, day.toordinal()])


def _store(part: Part) -> None:
    at = clock.now()
    has_requests = rollup.window_of(part.day, part.zone).begin >= at - timedelta(days=REQUESTS[0].days_kept)
    counted = count(part)
    for realm_id in _final_already(part) if part.is_provisional else ():
        counted.pop(realm_id, None)
    rows = {realm_id: _row(part, realm_id, each, at) for realm_id, each in counted.items()}
    if part.is_provisional and None in rows:
        so_far.remember(rows[None])
    KpiMetrics.objects.bulk_create(
        rows.values(),
        update_conflicts=True,
        unique_fields=KEY,
        update_fields=[name for name in UPSERTED if has_requests or name not in OF_REQUESTS],
    )


def _final_already(part: Part) -> list[uuid.UUID | None]:
    of_realms = Q(realm=None) if part.scope.realm_ids is None else Q(realm__in=part.scope.realm_ids)
    rows = KpiMetrics.objects.filter(of_realms, day=part.day, is_provisional=False)
    return list(rows.values_list("realm_id", flat=True))


def _row(part: Part, realm_id: uuid.UUID | None, counted: Counted, at: datetime) -> KpiMetrics:
    return KpiMetrics(
        realm_id=realm_id,
        day=part.day,
        time_zone=part.zone.key,
        is_provisional=part.is_provisional,
        rolled_up_at=at,
        **rollup.figures(counted),
    )


def _remember(part: Part) -> None:
    now = clock.now()
    for realm_id in part.scope.keys:
        row, _made = RollupProgress.objects.get_or_create(
            realm_id=realm_id,  # type: ignore[misc]  # None: all realms
            defaults={"first_day": part.day},
        )
        if part.is_provisional:
            row.provisional_at = now
        else:
            row.final_through = max(row.final_through or part.day, part.day)
        row.save()


def count(part: Part) -> dict[uuid.UUID | None, Counted]:
    """Count a day, for each realm of its scope, whether anything happened there or not."""
    window, scope = rollup.window_of(part.day, part.zone), part.scope
    windows = {
        back: rollup.window_of(part.day - timedelta(days=back), part.zone)
        for back in (0, *rollup.RETURNING_AFTER_DAYS)
    }
    requests, requests_lost = sources.requests(window, scope), sources.requests_lost(window, scope)
    scores, actions = sources.scores(window, scope), sources.actions(window, scope)
    players, new_players = sources.players(windows, scope), sources.new_players(window, scope)
    failed_runs = sources.failed_runs(window, scope)
    n_traces_lost = sources.traces_lost(window)
    uptime_share = uptime.share_between("database", window.begin, min(window.end, clock.now()))
    return {
        realm_id: Counted(
            requests=requests.get(realm_id, rollup.NO_REQUESTS),
            scores=scores.get(realm_id, rollup.NO_SCORES),
            players=players.get(realm_id, rollup.NO_PLAYERS),
            n_actions=actions.get(realm_id, 0),
            n_new_players=new_players.get(realm_id, 0),
            n_failed_runs=failed_runs.get(realm_id, 0.0),
            n_requests_lost=requests_lost.get(realm_id, 0.0),
            n_traces_lost=n_traces_lost,
            uptime_share=uptime_share,
        )
        for realm_id in scope.keys
    }
