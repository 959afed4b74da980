"""Partitions: of days and months, made ahead, dropped when all that is in them is old enough."""

from datetime import date, timedelta

import pytest

from observability import partitions
from observability.partitions import ByDay

DAILY, MONTHLY = partitions.EXECUTIONS


@pytest.mark.parametrize(
    ("table", "day", "begin", "end"),
    [
        (DAILY, date(2026, 2, 28), date(2026, 2, 28), date(2026, 3, 1)),
        (MONTHLY, date(2026, 2, 28), date(2026, 2, 1), date(2026, 3, 1)),
        (MONTHLY, date(2026, 12, 31), date(2026, 12, 1), date(2027, 1, 1)),
        (MONTHLY, date(2027, 1, 1), date(2027, 1, 1), date(2027, 2, 1)),
    ],
)
def test_a_partition_holds_its_day_and_meets_the_next(
    table: ByDay, day: date, begin: date, end: date
) -> None:
    assert table.begin(day) == begin
    assert table.end(begin) == end


def test_partitions_of_four_hundred_days_are_few(transactional_db: None) -> None:
    today = date(2020, 3, 1)
    for days in range(400):
        partitions.make_ahead(today + timedelta(days=days), [MONTHLY])
    made = [name for name in partitions.names(MONTHLY.table) if "_2020" in name or "_2021" in name]
    assert len(made) == 15


def test_a_month_is_dropped_when_its_last_day_is_old_enough(transactional_db: None) -> None:
    partitions.make_ahead(date(2020, 3, 31), [MONTHLY])
    last_day = date(2020, 3, 31) + timedelta(days=MONTHLY.days_kept)

    assert "execution_error_20200301" not in partitions.drop_expired(last_day)
    assert "execution_error_20200301" in partitions.drop_expired(last_day + timedelta(days=1))
