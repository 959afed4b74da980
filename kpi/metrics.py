"""How old the KPIs are."""

from typing import Final

from prometheus_client.metrics_core import Metric

from observability.collectors import query
from observability.figures import figure

LAST_ROLLUP: Final = figure(
    "scoring_kpi_last_rollup_timestamp_seconds",
    "When KPIs were last rolled up; absent before the first time.",
)


def last_rollup() -> list[Metric]:
    """Tell when something was last rolled up."""
    ((seconds,),) = query("SELECT extract(epoch FROM max(rolled_up_at))::float8 FROM kpi_kpimetrics")
    return [LAST_ROLLUP.of({} if seconds is None else {(): seconds})]
