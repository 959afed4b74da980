"""The demo's past as its requests, traces and figures would have told it, made from the scores that history made.

What is made follows from the scores' ids, so it can be made again and is there once.
"""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import Final

from django.db import connection

from gameproject.lib import clock
from gameproject.lib.ids import lowest_uuid7
from gameproject.lib.windows import CLOCKS_DIFFER_BY
from kpi import rolling_up
from kpi.rollup import days_between, window_of
from observability import demo as traces
from observability import partitions
from observability.request_records import POINTS_ROUTE
from strategies.demo.past import incident_of
from strategies.models import Realm

MARK: Final = "demo-history-"  # what history's requests are called by
FAILED_IN_INCIDENT: Final = 5
SLOWER: Final = 8
# A request a score, and in an incident five more that failed. Times are drawn by the id: most a few ms, some ten times that.
RECORDS: Final = """
INSERT INTO observability_apirequests
    (id, request_id, realm_id, key_prefix, kind, method, route, status, milliseconds, weight, created_at)
SELECT overlay(id::text placing lpad(n::text, 2, '0') from 35)::uuid, request_id, realm_id, '', 'score', 'POST', %(route)s,
       CASE WHEN n > 0 THEN 503 WHEN draw > 0.985 THEN 422 ELSE 201 END,
       round((%(slower)s * (3 + 2 * draw - 4 * ln(1.0001 - draw)))::numeric, 1)::float8, 1, created_at
FROM (SELECT *, (hashtext(id::text || n) & 1048575) / 1048576.0 AS draw
      FROM strategies_score CROSS JOIN generate_series(0, %(n_failed)s) AS n
      WHERE realm_id = %(realm)s AND starts_with(request_id, %(mark)s)
        AND created_at >= %(begin)s AND created_at < %(end)s AND id >= %(low)s) s
ON CONFLICT DO NOTHING
"""


def _parts(day: date) -> Iterator[tuple[datetime, datetime, bool]]:
    """Yield the day (UTC) in parts: begin, end, whether it was an incident."""
    begin, end = window_of(day, rolling_up.UTC)
    incident = incident_of(day)
    if incident is None:
        yield begin, end, False
        return
    yield begin, incident[0], False
    yield *incident, True
    yield incident[1], end, False


def _make_records(realm: Realm, begin: datetime, end: datetime, *, is_incident: bool) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            RECORDS,
            {
                "mark": MARK,
                "route": POINTS_ROUTE,
                "realm": realm.pk,
                "begin": begin,
                "end": end,
                "low": lowest_uuid7(begin - CLOCKS_DIFFER_BY),
                "slower": SLOWER if is_incident else 1,
                "n_failed": FAILED_IN_INCIDENT if is_incident else 0,
            },
        )


def tell_past(
    realm: Realm, *, n_days: int, progress: Callable[[float, date], None] = lambda _share, _day: None
) -> None:
    """Make the request records and traces of the realm's last days, and roll them up."""
    today = clock.now().date()
    first = today - timedelta(days=n_days - 1)
    for day in days_between(first, today):
        partitions.make_ahead(day)
        for begin, end, is_incident in _parts(day):
            _make_records(realm, begin, end, is_incident=is_incident)
            traces.trace_past(realm.pk, begin, end, mark=MARK, is_incident=is_incident)
    rolling_up.roll_up_days(first, today, progress=progress)
