"""Identifiers are in the order in which a process makes them, and tell their time."""

import uuid
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gameproject.lib import clock
from gameproject.lib.ids import lowest_uuid7, time_of, uuid7

MILLISECOND = timedelta(milliseconds=1)
FIRST, LAST = (datetime(year, 1, 1, tzinfo=UTC).replace(tzinfo=None) for year in (2000, 2200))
TIMES = st.datetimes(FIRST, LAST, timezones=st.just(UTC))


def test_what_is_made_one_after_the_other_is_in_order_and_different() -> None:
    made = [uuid7() for _ in range(20_000)]

    assert made == sorted(set(made))


def test_version_variant_and_time_are_those_of_the_standard() -> None:
    before = clock.now()
    made = uuid7()

    assert (made.version, made.variant) == (7, uuid.RFC_4122)
    assert before - MILLISECOND < time_of(made) <= clock.now()


@given(at=TIMES)
def test_of_another_moment_it_tells_that_moment(at: datetime) -> None:
    made = uuid7(at)

    assert abs(time_of(made) - at) <= MILLISECOND
    assert lowest_uuid7(at) <= made < lowest_uuid7(at + MILLISECOND)
    assert uuid7(at - MILLISECOND) < made < uuid7(at + MILLISECOND)
