"""How the objectives were kept of late: by a realm, or by all of them."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from kpi.models import KpiMetrics
from kpi.objectives import DAYS, OBJECTIVES, Kept, keep
from kpi.rollup import share
from strategies.models import Realm


@dataclass(frozen=True, slots=True)
class Report:
    """The last 30 days, the running one as it stood at its last rollup; a day without a row is missing in all of it."""

    time_zone: str
    first: date
    last: date
    rows: list[KpiMetrics]
    kept: list[Kept]

    @property
    def rolled_up_at(self) -> datetime | None:
        return max((row.rolled_up_at for row in self.rows), default=None)

    @property
    def n_requests_lost(self) -> int:
        return sum(row.n_requests_lost for row in self.rows)

    @property
    def n_known(self) -> int:
        """How many objectives have a figure."""
        return sum(each.is_met is not None for each in self.kept)

    @property
    def n_met(self) -> int:
        return sum(each.is_met is True for each in self.kept)

    @property
    def completeness(self) -> float | None:
        """Request records that are there, of all that are known to have been made."""
        n = sum(row.n_requests for row in self.rows)
        return share(n, n + self.n_requests_lost)


def report(realm: Realm | None, now: datetime) -> Report:
    """Say how a realm kept the objectives, by its own days; None: all realms as one, by UTC's."""
    zone = realm.time_zone if realm else "UTC"
    last = now.astimezone(ZoneInfo(zone)).date()
    first = last - timedelta(days=DAYS - 1)
    rows = list(KpiMetrics.objects.filter(realm=realm, day__range=(first, last)).order_by("day"))
    return Report(zone, first, last, rows, [keep(objective, rows) for objective in OBJECTIVES])
