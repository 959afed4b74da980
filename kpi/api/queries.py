"""What the KPI endpoints read from a URL."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from gameproject.lib import clock
from gameproject.lib.errors import BadRequest
from kpi.dashboards import LABELS, Span
from strategies.api.score_list import read_time
from strategies.models import Realm

MAX_DAYS: Final = 400
YEARS: Final = range(1900, 9000)
DEFAULT_DAYS: Final = 30
DEFAULT_WINDOW: Final = timedelta(days=7)
MAX_WINDOW: Final = timedelta(days=92)


def read_span(realm: Realm, given: Mapping[str, str], *, first: str, last: str) -> Span:
    """Read the days from `first` to `last`, both included: the last month where they are not said. Raises BadRequest."""
    today = clock.now().astimezone(ZoneInfo(realm.time_zone)).date()
    end = _day(given, last) or today
    begin = _day(given, first) or end - timedelta(days=DEFAULT_DAYS - 1)
    if not 0 <= (end - begin).days < MAX_DAYS:
        raise BadRequest(
            f"{first} and {last} name up to {MAX_DAYS} days in their order.", code="QUERY_INVALID"
        )
    return Span(realm, begin, end, _group_by(given))


def _day(given: Mapping[str, str], name: str) -> date | None:
    if name not in given:
        return None
    try:
        day = date.fromisoformat(given[name])
    except ValueError:
        day = None
    if day is None or day.year not in YEARS:
        raise BadRequest(f"{name} is a day, such as 2026-01-31.", code="QUERY_INVALID")
    return day


def _group_by(given: Mapping[str, str]) -> str:
    found = given.get("group_by", "day")
    if found not in LABELS:
        raise BadRequest(f"group_by is one of {', '.join(LABELS)}.", code="QUERY_INVALID")
    return found


def read_window(given: Mapping[str, str]) -> tuple[datetime, datetime]:
    """Read `since` and `until`: the last week where they are not said. Raises BadRequest."""
    until = read_time("until", given) or clock.now()
    if not YEARS.start < until.year < YEARS.stop:
        raise BadRequest("until lies too far away.", code="QUERY_INVALID")
    since = read_time("since", given) or until - DEFAULT_WINDOW
    if not timedelta(0) < until - since <= MAX_WINDOW:
        raise BadRequest(f"until lies after since, by {MAX_WINDOW.days} days at most.", code="QUERY_INVALID")
    return since, until


def read_version(name: str, text: str) -> int:
    """Read a version's number. Raises BadRequest."""
    if not (text.isascii() and text.isdecimal() and len(text) < 10):
        raise BadRequest(f"{name} is the number of a version.", code="QUERY_INVALID")
    return int(text)
