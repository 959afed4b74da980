"""How old the KPIs are."""

from datetime import date, timedelta
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

from prometheus_client.metrics_core import Metric

from gameproject.lib import clock
from kpi import rollup
from kpi.models import RollupProgress
from observability.collectors import query
from observability.figures import figure
from strategies.models import Realm

LAST_ROLLUP: Final = figure(
    "scoring_kpi_last_rollup_timestamp_seconds",
    "When KPIs were last rolled up; absent before the first time.",
)
WATERMARK_LAG: Final = figure(
    "scoring_kpi_watermark_lag_seconds",
    "For how long the oldest day that is not final has been due to be; of the realm that is furthest behind.",
)


def last_rollup() -> list[Metric]:
    """Tell when something was last rolled up."""
    ((seconds,),) = query("SELECT extract(epoch FROM max(rolled_up_at))::float8 FROM kpi_kpimetrics")
    return [LAST_ROLLUP.of({} if seconds is None else {(): seconds})]


def watermark_lag() -> list[Metric]:
    """Tell how far the watermark of the realm that is furthest behind is behind."""
    lags = _lags()
    return [WATERMARK_LAG.of({(): max(lags).total_seconds()} if lags else {})]


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
