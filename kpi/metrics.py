"""How old the KPIs are."""

from datetime import date, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from prometheus_client.metrics_core import Metric

from gameproject.lib import clock
from kpi import rollup
from kpi.models import RollupProgress
from observability.collectors import gauge, query
from strategies.models import Realm


def last_rollup() -> list[Metric]:
    """Tell when something was last rolled up; nothing before the first time."""
    ((seconds,),) = query("SELECT extract(epoch FROM max(rolled_up_at)) FROM kpi_kpimetrics")
    found = gauge("scoring_kpi_last_rollup_timestamp_seconds", "When KPIs were last rolled up.")
    if seconds is not None:
        found.add_metric([], float(seconds))
    return [found]


def watermark_lag() -> list[Metric]:
    """Tell how far the watermark of the realm that is furthest behind is behind."""
    found = gauge(
        "scoring_kpi_watermark_lag_seconds",
        "For how long the oldest day that is not final has been due to be; of the realm that is furthest behind.",
    )
    lags = _lags()
    if lags:
        found.add_metric([], max(lags).total_seconds())
    return [found]


def _lags() -> list[timedelta]:
    """Return the lag of every realm, and of all as one; a realm that was never rolled up is behind since it was made."""
    now = clock.now()
    through: dict[UUID | None, date | None] = dict(
        RollupProgress.objects.values_list("realm_id", "final_through")
    )
    utc = through.get(None)
    lags = [] if utc is None else [rollup.overdue(now, ZoneInfo("UTC"), utc)]
    for realm in Realm.objects.all():
        final_through = through.get(realm.pk)
        zone = ZoneInfo(realm.time_zone)
        lags.append(
            now - realm.created_at if final_through is None else rollup.overdue(now, zone, final_through)
        )
    return lags
