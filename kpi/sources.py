"""What was counted in a window of time, by realm or of all realms as one: the heavy part, in SQL.

Every statement reads its window and nothing else: request records by their partitions; the ledger, actions, players
and failed runs by their time-ordered ids. So the cost is that of the day, however old the ledger is. What comes back is
a row a realm, or for latencies a row for each different time: memory does not grow with the day.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import Any, Final, TypeVar

from django.db import connection

from gameproject.lib.ids import lowest_uuid7
from gameproject.lib.windows import CLOCKS_DIFFER_BY
from kpi.rollup import Players, Requests, Scores, TimeCount, Window, requests_of
from observability.request_records import POINTS_ROUTE

T = TypeVar("T")
Row = tuple[Any, ...]
ByRealm = dict[uuid.UUID | None, T]

REQUESTS: Final = """
SELECT {realm}, milliseconds, sum(weight),
       coalesce(sum(weight) FILTER (WHERE status BETWEEN 400 AND 499), 0),
       coalesce(sum(weight) FILTER (WHERE status >= 500), 0),
       coalesce(sum(weight) FILTER (WHERE kind = 'score' AND route = %(points_route)s), 0)
FROM observability_apirequests WHERE {at} AND {in_scope} GROUP BY 1, 2 ORDER BY 1, 2
"""
REQUESTS_LOST: Final = """
SELECT {realm}, sum(n) FROM observability_apirequestdrops WHERE {at} AND {in_scope} GROUP BY 1
"""
SCORES: Final = """
SELECT {realm},
       count(*) FILTER (WHERE outcome = 'award' AND NOT is_test),
       count(*) FILTER (WHERE outcome = 'no_award' AND NOT is_test),
       count(*) FILTER (WHERE outcome = 'veto' AND NOT is_test),
       count(*) FILTER (WHERE fallback IS NOT NULL AND NOT is_test),
       coalesce(sum(points) FILTER (WHERE NOT is_test), 0),
       count(*) FILTER (WHERE outcome <> 'reversal')
FROM strategies_score WHERE {made} AND {in_scope} GROUP BY 1
"""
ACTIONS: Final = (
    "SELECT {realm}, count(*) FROM strategies_playeraction WHERE {made} AND {in_scope} GROUP BY 1"
)
NEW_PLAYERS: Final = "SELECT {realm}, count(*) FROM strategies_player WHERE {made} AND {in_scope} GROUP BY 1"
FAILED_RUNS: Final = """
SELECT {realm}, sum(weight) FROM observability_strategyexecutionlog
WHERE is_error AND {made} AND {in_scope} GROUP BY 1
"""
TRACES_LOST: Final = """
SELECT coalesce(sum(n_traces), 0) FROM observability_tracedrops WHERE minute >= %(begin)s AND minute < %(end)s
"""
ACTIVE: Final = """
SELECT DISTINCT realm_id, player_id, {back} AS back FROM strategies_score
WHERE {made} AND {in_scope} AND NOT is_test AND outcome <> 'reversal'
UNION ALL
SELECT DISTINCT realm_id, player_id, {back} AS back FROM strategies_playeraction WHERE {made} AND {in_scope}
"""
PLAYERS: Final = """
SELECT {realm}, count(*) FILTER (WHERE on_0), {counts}
FROM (SELECT realm_id, player_id, {flags} FROM ({active}) AS active GROUP BY 1, 2) AS players GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Scope:
    """Some realms, each for itself; or, where none is named, all of them as one."""

    realm_ids: tuple[uuid.UUID, ...] | None = None

    @property
    def keys(self) -> tuple[uuid.UUID | None, ...]:
        return self.realm_ids or (None,)

    @property
    def key(self) -> str:
        return "NULL::uuid" if self.realm_ids is None else "realm_id"

    @property
    def condition(self) -> str:
        return "TRUE" if self.realm_ids is None else "realm_id = ANY(%(realms)s)"


def requests(window: Window, scope: Scope) -> ByRealm[Requests]:
    with _rows(REQUESTS, window, scope) as rows:
        return {
            realm: requests_of(TimeCount(*times) for _realm, *times in own)
            for realm, own in groupby(rows, key=_realm_of)
        }


def requests_lost(window: Window, scope: Scope) -> ByRealm[float]:
    return _numbers(REQUESTS_LOST, window, scope)


def scores(window: Window, scope: Scope) -> ByRealm[Scores]:
    with _rows(SCORES, window, scope) as rows:
        return {realm: Scores(*counts) for realm, *counts in rows}


def actions(window: Window, scope: Scope) -> ByRealm[int]:
    return _numbers(ACTIONS, window, scope)


def new_players(window: Window, scope: Scope) -> ByRealm[int]:
    return _numbers(NEW_PLAYERS, window, scope)


def failed_runs(window: Window, scope: Scope) -> ByRealm[float]:
    return _numbers(FAILED_RUNS, window, scope)


def traces_lost(window: Window) -> int:
    """Count the traces that are known to be lost, of all realms: whose they were is lost with them."""
    with connection.cursor() as cursor:
        cursor.execute(TRACES_LOST, window._asdict())
        (n,) = cursor.fetchone()
        return int(n)


def players(windows: dict[int, Window], scope: Scope) -> ByRealm[Players]:
    """Count who was active in the window `0`, and of those of each earlier one how many were and came back."""
    earlier = sorted(set(windows) - {0})
    statement = PLAYERS.format(
        realm=scope.key,
        counts=", ".join(
            f"count(*) FILTER (WHERE on_{back}), count(*) FILTER (WHERE on_{back} AND on_0)"
            for back in earlier
        ),
        flags=", ".join(f"bool_or(back = {back}) AS on_{back}" for back in windows),
        active=" UNION ALL ".join(
            ACTIVE.format(back=back, made=_made(back), in_scope=scope.condition) for back in windows
        ),
    )
    with connection.cursor() as cursor:
        cursor.execute(statement, _parameters(windows, scope))
        return {
            realm: Players(n_active, tuple(counts[::2]), tuple(counts[1::2]))
            for realm, n_active, *counts in cursor.fetchall()
        }


def _realm_of(row: Row) -> uuid.UUID | None:
    realm: uuid.UUID | None = row[0]
    return realm


def _numbers(statement: str, window: Window, scope: Scope) -> ByRealm[Any]:
    with _rows(statement, window, scope) as rows:
        return dict(rows)


@contextmanager
def _rows(statement: str, window: Window, scope: Scope) -> Iterator[Iterator[Row]]:
    """Run a statement and read its rows as they come, some thousand at a time."""
    text = statement.format(realm=scope.key, in_scope=scope.condition, at=_at(0), made=_made(0))
    with connection.chunked_cursor() as cursor:
        cursor.execute(text, _parameters({0: window}, scope))
        yield iter(cursor)


def _at(back: int) -> str:
    return f"created_at >= %(begin_{back})s AND created_at < %(end_{back})s"


def _made(back: int) -> str:
    """Name the rows of a window, by their ids too: an index says where they begin and end."""
    return f"id >= %(low_{back})s AND id < %(high_{back})s AND {_at(back)}"


def _parameters(windows: dict[int, Window], scope: Scope) -> dict[str, Any]:
    found: dict[str, Any] = {"points_route": POINTS_ROUTE}
    if scope.realm_ids is not None:
        found["realms"] = list(scope.realm_ids)
    for back, (begin, end) in windows.items():
        found |= {
            f"begin_{back}": begin,
            f"end_{back}": end,
            f"low_{back}": lowest_uuid7(begin - CLOCKS_DIFFER_BY),
            f"high_{back}": lowest_uuid7(end + CLOCKS_DIFFER_BY + timedelta(milliseconds=1)),
        }
    return found
