"""Days as their time zones have them."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from gameproject.lib import clock

ZONES = ("UTC", "Europe/Zurich", "America/Havana", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Apia")


@given(
    at=some.integers(0, 2**31).map(lambda seconds: datetime.fromtimestamp(seconds, UTC)),
    zone=some.sampled_from(ZONES).map(ZoneInfo),
)
def test_a_moment_lies_on_its_day_and_the_moments_around_it_do_not(at: datetime, zone: ZoneInfo) -> None:
    day = clock.day_of(at, zone)
    tick = timedelta(microseconds=1)

    assert day.date == at.astimezone(zone).date()
    assert day.begins_at <= at < day.ends_at
    assert (day.begins_at.astimezone(zone).date(), day.ends_at.astimezone(zone).date()) != (
        day.date,
        day.date,
    )
    assert (
        (day.begins_at - tick).astimezone(zone).date()
        < day.date
        <= (day.ends_at - tick).astimezone(zone).date()
    )
    assert day.ends_at.astimezone(zone).date() > day.date


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("Europe/Zurich", date(2026, 3, 29), 23),
        ("Europe/Zurich", date(2026, 10, 25), 25),
        ("America/Sao_Paulo", date(2018, 11, 4), 23),  # it began at one o'clock
        ("America/Havana", date(2026, 11, 1), 25),  # midnight came twice
    ],
)
def test_days_of_a_clock_change_have_their_hours(zone: str, day: date, hours: int) -> None:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=ZoneInfo(zone))
    found = clock.day_of(noon, ZoneInfo(zone))

    assert found.ends_at - found.begins_at == timedelta(hours=hours)
