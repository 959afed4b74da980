"""What goes on, from bounded reads: the newest rows of a span, up to so many."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django.db import connection
from django.db.models import Sum

from gameproject.lib import clock
from gameproject.lib.ids import lowest_uuid7
from gameproject.lib.windows import CLOCKS_DIFFER_BY, rows_between
from kpi.models import KpiMetrics
from observability import drops
from observability.models import ApiRequestDrops, Logs
from strategies.models import Strategy

NOW: Final = timedelta(minutes=5)
LATELY: Final = timedelta(hours=24)
MAX_READ: Final = 50_000
MAX_FAILED: Final = 10_000
MAX_SHOWN: Final = 5
N_ENTRIES: Final = 6

REQUESTS_NOW: Final = """
SELECT coalesce(sum(weight), 0), coalesce(sum(weight) FILTER (WHERE status >= 500), 0),
       percentile_disc(0.95) WITHIN GROUP (ORDER BY milliseconds), count(*), min(created_at)
FROM (SELECT weight, status, milliseconds, created_at FROM observability_apirequests
      WHERE created_at >= %(since)s AND id >= %(low)s ORDER BY id DESC LIMIT %(most_read)s) newest
"""
FAILING: Final = """
SELECT strategy_id, sum(weight), mode() WITHIN GROUP (ORDER BY code), max(created_at),
       (array_agg(id ORDER BY id DESC))[1], count(DISTINCT external_user_id)
FROM (SELECT id, strategy_id, code, weight, created_at, external_user_id
      FROM observability_strategyexecutionlog
      WHERE is_error AND NOT is_test AND created_at >= %(since)s AND id >= %(low)s
      ORDER BY id DESC LIMIT %(most_failed)s) newest
GROUP BY strategy_id ORDER BY 2 DESC LIMIT %(most_shown)s
"""
IDLE: Final = """
SELECT s.id, s.slug FROM strategies_strategy s
WHERE (s.archived_at IS NOT NULL
       OR NOT EXISTS (SELECT FROM strategies_alias a WHERE a.strategy_id = s.id AND a.name = 'production'))
  AND (EXISTS (SELECT FROM strategies_game g WHERE g.strategy_id = s.id)
       OR EXISTS (SELECT FROM strategies_task t WHERE t.strategy_id = s.id AND t.status = 'open'))
LIMIT %(most_shown)s
"""


@dataclass(frozen=True, slots=True)
class RequestsNow:
    """Requests of the last minutes; where there are too many to read, of the newest of them."""

    n: float
    n_failed: float
    p95_ms: float | None
    seconds: float

    @property
    def a_second(self) -> float:
        return self.n / self.seconds


@dataclass(frozen=True, slots=True)
class Failing:
    """A strategy with failed runs: how many, the commonest code, the newest one's id and time."""

    strategy: Strategy
    n: float
    code: str
    last_at: datetime
    last_id: UUID
    n_players: int


def requests_now() -> RequestsNow:
    now = clock.now()
    ((n, n_failed, p95, n_rows, first_at),) = _rows(REQUESTS_NOW, NOW)
    seconds = (now - first_at).total_seconds() if n_rows == MAX_READ else NOW.total_seconds()
    return RequestsNow(n, n_failed, p95, max(seconds, 1.0))


def failing_strategies() -> list[Failing]:
    """Name the strategies whose runs failed most often of late; test events aside."""
    rows = _rows(FAILING, LATELY)
    named = Strategy.objects.select_related("realm").in_bulk([row[0] for row in rows])
    return [Failing(named[pk], *row) for pk, *row in rows if pk in named]


def idle_strategies() -> list[tuple[UUID, str]]:
    """Name strategies that games or open tasks use, and that score nothing: their events are refused."""
    return _rows(IDLE, LATELY)


def lost_traces() -> int:
    return sum(n for _reason, n in drops.lost_between(clock.now() - LATELY, None))


def lost_records() -> float:
    lost = rows_between(ApiRequestDrops.objects.all(), clock.now() - LATELY, None)
    total: float | None = lost.aggregate(total=Sum("n"))["total"]
    return total or 0


def last_rollup() -> datetime | None:
    newest = KpiMetrics.objects.filter(realm=None).order_by("-day").values_list("rolled_up_at", flat=True)
    return newest.first()


def last_entries() -> list[Logs]:
    return list(Logs.objects.select_related("realm").defer("details_json").order_by("-pk")[:N_ENTRIES])


def _rows(statement: str, span: timedelta) -> list[Any]:
    since = clock.now() - span
    bounds: dict[str, Any] = {"since": since, "low": lowest_uuid7(since - CLOCKS_DIFFER_BY)}
    limits = {"most_read": MAX_READ, "most_failed": MAX_FAILED, "most_shown": MAX_SHOWN}
    with connection.cursor() as cursor:
        cursor.execute(statement, bounds | limits)
        return list(cursor.fetchall())
