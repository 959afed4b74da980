"""Tables by day or by month: partitions made ahead, and dropped by age. Days are UTC's.

A partition that is missing loses nothing, for the default one takes its rows; but no row leaves that again by age, and
a day whose rows are in it cannot get a partition of its own any more.

What is kept for long is kept by months: a statement that names no time plans every partition, and four hundred days took
0.16 s before anything was read.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from django.db import connection, transaction
from psycopg import sql

DAYS_AHEAD: Final = 7


@dataclass(frozen=True)
class ByDay:
    """A table partitioned by day, and for how many days its rows are kept."""

    table: str
    days_kept: int

    def begin(self, day: date) -> date:
        """Return the first day of the partition that holds a day."""
        return day

    def end(self, begin: date) -> date:
        return begin + timedelta(days=1)

    def name(self, begin: date) -> str:
        return f"{self.table}_{begin:%Y%m%d}"


class ByMonth(ByDay):
    """The same by calendar months; a row is kept until all of its month is old enough."""

    def begin(self, day: date) -> date:
        return day.replace(day=1)

    def end(self, begin: date) -> date:
        return (begin + timedelta(days=31)).replace(day=1)


EXECUTIONS: Final = (ByDay("execution_sample", 30), ByMonth("execution_error", 400))
REQUESTS: Final = (ByDay("observability_apirequests", 30), ByDay("observability_apirequestdrops", 30))
TABLES: Final = EXECUTIONS + REQUESTS


def make_ahead(today: date, tables: Iterable[ByDay] = TABLES) -> list[str]:
    """Make the partitions of today and the week ahead that are missing, and of yesterday, for late rows."""
    made = []
    for table in tables:
        there = set(names(table.table))
        days = _days(today - timedelta(days=1), today + timedelta(days=DAYS_AHEAD))
        begins = dict.fromkeys(table.begin(day) for day in days)
        made += [make(table, begin) for begin in begins if table.name(begin) not in there]
    return made


def drop_expired(today: date) -> list[str]:
    """Drop the partitions whose rows are all older than they are kept."""
    dropped = []
    for table in TABLES:
        oldest = table.name(table.begin(today - timedelta(days=table.days_kept)))
        for name in names(table.table):
            if name < oldest:
                _execute("DROP TABLE {}", sql.Identifier(name))
                dropped.append(name)
    return dropped


def names(table: str) -> Iterator[str]:
    """Name a table's partitions by the days that they begin with, in their order; the default one is none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class JOIN pg_inherits ON inhrelid = pg_class.oid "
            "WHERE inhparent = to_regclass(%s) AND relname ~ '_[0-9]{8}$' ORDER BY relname",
            [table],
        )
        yield from (name for (name,) in cursor.fetchall())


def n_bytes(table: ByDay, first: date, last: date) -> int:
    """Return how much the partitions of some days hold, indexes and long values aside."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(sum(pg_relation_size(pg_class.oid)), 0)::bigint "
            "FROM pg_class JOIN pg_inherits ON inhrelid = pg_class.oid "
            "WHERE inhparent = to_regclass(%s) AND relname BETWEEN %s AND %s",
            [table.table, *(table.name(table.begin(day)) for day in (first, last))],
        )
        (found,) = cursor.fetchone()
    return int(found)


def make(table: ByDay, begin: date) -> str:
    """Make the partition that begins with a day, if it is missing; return its name."""
    with transaction.atomic():
        _execute(
            "CREATE TABLE IF NOT EXISTS {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})",
            sql.Identifier(table.name(begin)),
            sql.Identifier(table.table),
            sql.Literal(datetime.combine(begin, time(), UTC)),
            sql.Literal(datetime.combine(table.end(begin), time(), UTC)),
        )
    return table.name(begin)


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _execute(statement: str, *parts: sql.Composable) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(*parts).as_string(cursor.cursor))
