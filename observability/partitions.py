"""Tables by day: partitions made ahead, and dropped by age. Days are UTC's.

A partition that is missing loses nothing, for the default one takes its rows; but no row leaves that again by age, and
a day whose rows are in it cannot get a partition of its own any more.
"""

from collections.abc import Iterator
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


TABLES: Final = (ByDay("execution_sample", 30), ByDay("execution_error", 400))


def make_ahead(today: date) -> list[str]:
    """Make the partitions of today and the week ahead that are missing, and of yesterday, for late rows."""
    made = []
    for table in TABLES:
        there = set(_partitions(table.table))
        for day in _days(today - timedelta(days=1), today + timedelta(days=DAYS_AHEAD)):
            name = f"{table.table}_{day:%Y%m%d}"
            if name not in there:
                _make(table.table, name, day)
                made.append(name)
    return made


def drop_expired(today: date) -> list[str]:
    """Drop the partitions whose rows are all older than they are kept."""
    dropped = []
    for table in TABLES:
        oldest = f"{table.table}_{today - timedelta(days=table.days_kept):%Y%m%d}"
        for name in _partitions(table.table):
            if name < oldest:
                _execute("DROP TABLE {}", sql.Identifier(name))
                dropped.append(name)
    return dropped


def _partitions(table: str) -> Iterator[str]:
    """Name a table's partitions by day, in their order; the default one is none."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class JOIN pg_inherits ON inhrelid = pg_class.oid "
            "WHERE inhparent = to_regclass(%s) AND relname ~ '_[0-9]{8}$' ORDER BY relname",
            [table],
        )
        yield from (name for (name,) in cursor.fetchall())


def _make(table: str, name: str, day: date) -> None:
    begin = datetime.combine(day, time(), UTC)
    with transaction.atomic():
        _execute(
            "CREATE TABLE IF NOT EXISTS {} PARTITION OF {} FOR VALUES FROM ({}) TO ({})",
            sql.Identifier(name),
            sql.Identifier(table),
            sql.Literal(begin),
            sql.Literal(begin + timedelta(days=1)),
        )


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


def _execute(statement: str, *parts: sql.Composable) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(statement).format(*parts).as_string(cursor.cursor))
