"""How old the KPIs are."""

from prometheus_client.metrics_core import Metric

from observability.collectors import gauge, query


def last_rollup() -> list[Metric]:
    """Tell when something was last rolled up; nothing before the first time."""
    ((seconds,),) = query("SELECT extract(epoch FROM max(rolled_up_at)) FROM kpi_kpimetrics")
    found = gauge("scoring_kpi_last_rollup_timestamp_seconds", "When KPIs were last rolled up.")
    if seconds is not None:
        found.add_metric([], float(seconds))
    return [found]
