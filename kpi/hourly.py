"""The ledger by hours: what strategies gave, counted once an hour is over, so that a month of it is read in no time.

Hours are counted in order, from the newest that is there on, so all between the first and the last are complete; an hour
without a score leaves no row. What lies outside is read in the ledger itself (kpi/strategy_sources.py): figures are
exact whether beat is there or not.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import connection, transaction

from gameproject.lib.ids import lowest_uuid7
from gameproject.lib.windows import CLOCKS_DIFFER_BY
from kpi.models import HourlyScores
from kpi.rollup import FINAL_AFTER, Window

HOUR: Final = timedelta(hours=1)
AT_ONCE: Final = timedelta(days=1)
KEPT: Final = timedelta(days=100)  # a little more than the longest window that is asked for
LOCK: Final = 0x484F5552  # "HOUR"
# Points to three significant digits: however many different ones a program gives, an hour has few rows.
COUNT: Final = """
INSERT INTO kpi_hourlyscores (strategy_id, realm_id, hour, strategy_version_id, outcome, case_name, has_fallback,
                              points_near, n, points, squares, least, most)
SELECT strategy_id, realm_id, date_bin('1 hour', created_at, TIMESTAMPTZ '2000-01-01 00:00+00'), strategy_version_id,
       outcome, case_name, fallback IS NOT NULL,
       CASE WHEN points = 0 THEN 0 ELSE round(points, 2 - floor(log(abs(points::float8)))::int) END,
       count(*), sum(points), sum(points * points), min(points), max(points)
FROM strategies_score
WHERE id >= %(low)s AND id < %(high)s AND created_at >= %(begin)s AND created_at < %(end)s
  AND NOT is_test AND outcome <> 'reversal'
GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
"""


def counted() -> Window | None:
    """Return from when to when hours are counted."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(hour), max(hour) FROM kpi_hourlyscores")
        first, last = cursor.fetchone()
    return None if first is None else Window(first, last + HOUR)


def count_due(now: datetime) -> None:
    """Count the hours that are over and were not counted, a day at a time; the first time those of three months."""
    end, there = hour_of(now - FINAL_AFTER), counted()
    begin = there.end if there else end - KEPT
    while begin < end:
        count(Window(begin, min(begin + AT_ONCE, end)))
        begin += AT_ONCE
    HourlyScores.objects.filter(hour__lt=now - KEPT).delete()


def count_again(window: Window) -> None:
    """Count those hours of a window again that were counted: something was put into the past."""
    there = counted()
    if there is None:
        return
    begin, end = max(hour_of(window.begin), there.begin), min(window.end, there.end)
    if begin < end:
        count(Window(begin, end))


def count(window: Window) -> None:
    """Count the hours of a window in place of what was counted. Two at once take turns."""
    parameters: dict[str, Any] = {
        **window._asdict(),
        "low": lowest_uuid7(window.begin - CLOCKS_DIFFER_BY),
        "high": lowest_uuid7(window.end + CLOCKS_DIFFER_BY),
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
        HourlyScores.objects.filter(hour__gte=window.begin, hour__lt=window.end).delete()
        cursor.execute(COUNT, parameters)


def hour_of(at: datetime) -> datetime:
    return at.replace(minute=0, second=0, microsecond=0)
