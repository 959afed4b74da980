"""Times as the API writes them: UTC, ISO 8601, `Z`."""

from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo


def now() -> datetime:
    return datetime.now(UTC)


def iso(at: datetime) -> str:
    """Write a time as `2026-11-22T09:30:00.123456Z`."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")


class Day(NamedTuple):
    """A day somewhere, and the moments in which it begins and ends."""

    date: date
    begins_at: datetime
    ends_at: datetime


_days: dict[ZoneInfo, Day] = {}


def day_of(moment: datetime, zone: ZoneInfo) -> Day:
    """Return the day that it is in a time zone at a moment; of moments in a row it is worked out once a day."""
    day = _days.get(zone)
    if day is None or not day.begins_at <= moment < day.ends_at:
        day = _days[zone] = _day(moment.astimezone(zone).date(), zone)
    return day


def _day(day: date, zone: ZoneInfo) -> Day:
    begins, ends = (datetime.combine(each, time(), zone) for each in (day, day + timedelta(days=1)))
    return Day(day, begins.astimezone(UTC), ends.astimezone(UTC))
