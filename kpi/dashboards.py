"""A realm's figures by day, ISO week or month, every label there, gaps as 0."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from zoneinfo import ZoneInfo

from django.db.models import Count
from django.db.models.functions import TruncDate

from gameproject.lib.windows import rows_between
from kpi import rollup
from kpi.models import KpiMetrics
from observability.models import Logs
from observability.models.audit import Level
from strategies.models import Game, Realm

Number = int | Decimal
LABELS: Final[dict[str, Callable[[date], str]]] = {
    "day": date.isoformat,
    "week": lambda day: "{}-W{:02}".format(*day.isocalendar()),
    "month": lambda day: f"{day:%Y-%m}",
}


@dataclass(frozen=True, slots=True)
class Span:
    """Days of a realm, both ends included, and what they are grouped by."""

    realm: Realm
    first: date
    last: date
    group_by: str

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.realm.time_zone)

    @property
    def days(self) -> Iterator[date]:
        return rollup.days_between(self.first, self.last)

    @property
    def window(self) -> tuple[datetime, datetime]:
        return rollup.window_of(self.first, self.zone).begin, rollup.window_of(self.last, self.zone).end

    def grouped(self, by_day: Iterable[tuple[date, Number]]) -> dict[str, Number]:
        """Sum by label, in order."""
        label = LABELS[self.group_by]
        found: dict[str, Number] = {label(day): 0 for day in self.days}
        for day, number in by_day:
            found[label(day)] += number
        return found


@dataclass(frozen=True, slots=True)
class Summary:
    """`n_days_missing`: days that have not been rolled up, and so count as 0."""

    new_users: dict[str, Number]
    games_opened: dict[str, Number]
    points_earned: dict[str, Number]
    actions_performed: dict[str, Number]
    n_days_missing: int
    rolled_up_at: datetime | None


def summarize(span: Span) -> Summary:
    """Sum what was rolled up, an hour old at most; games are counted now."""
    rows = list(KpiMetrics.objects.filter(realm=span.realm, day__range=(span.first, span.last)))
    return Summary(
        new_users=span.grouped((row.day, row.n_new_players) for row in rows),
        games_opened=span.grouped(_games_by_day(span)),
        points_earned=span.grouped((row.day, row.points_awarded) for row in rows),
        actions_performed=span.grouped((row.day, row.n_actions) for row in rows),
        n_days_missing=sum(1 for _ in span.days) - len(rows),
        rolled_up_at=max((row.rolled_up_at for row in rows), default=None),
    )


def _games_by_day(span: Span) -> Iterable[tuple[date, int]]:
    begin, end = span.window
    games = Game.objects.filter(realm=span.realm, created_at__gte=begin, created_at__lt=end)
    return games.values_list(TruncDate("created_at", tzinfo=span.zone)).annotate(Count("pk"))


def count_logs(span: Span) -> dict[str, dict[str, Number]]:
    """Count the audit trail's entries by level and label."""
    rows = rows_between(Logs.objects.filter(realm=span.realm), *span.window)
    counted = rows.values_list("level", TruncDate("created_at", tzinfo=span.zone)).annotate(Count("pk"))
    by_level: dict[str, list[tuple[date, int]]] = {level: [] for level in Level.values}
    for level, day, n in counted:
        by_level[level].append((day, n))
    return {level: span.grouped(by_day) for level, by_day in by_level.items()}
