"""Which figures of a day are drawn together."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from kpi.admin.charts import Chart, Line, Unit
from kpi.models import KpiMetrics


@dataclass(frozen=True, slots=True)
class Panel:
    """A chart to be: its lines by the names of `KpiMetrics`."""

    key: str
    title: str
    unit: Unit
    lines: Mapping[str, str]
    note: str = ""


PANELS: Final = (
    Panel("requests", "Requests", Unit.COUNT, {"n_requests": "requests"}),
    Panel(
        "errors",
        "Requests that failed",
        Unit.SHARE,
        {"client_error_rate": "client (4xx)", "server_error_rate": "server (5xx)"},
    ),
    Panel(
        "latency",
        "Latency",
        Unit.MILLISECONDS,
        {
            "latency_p50_ms": "p50",
            "latency_mean_ms": "mean",
            "latency_p95_ms": "p95",
            "latency_p99_ms": "p99",
        },
    ),
    Panel("success", "Success and uptime", Unit.SHARE, {"success_rate": "success", "uptime_share": "uptime"}),
    Panel("players", "Players", Unit.COUNT, {"n_active_players": "active", "n_new_players": "new"}),
    Panel(
        "retention",
        "Retention",
        Unit.SHARE,
        {"retention_day_1": "1 day", "retention_day_7": "7 days", "retention_day_30": "30 days"},
        "Of those who were active so many days before, how many are again.",
    ),
    Panel(
        "interactions",
        "Interactions of a player",
        Unit.COUNT,
        {"interactions_per_player": "scores and actions of an active player"},
    ),
    Panel(
        "scores",
        "Scores",
        Unit.COUNT,
        {"n_scores": "all", "n_awards": "awards", "n_no_awards": "without award", "n_vetoes": "vetoes"},
    ),
    Panel("points", "Points awarded", Unit.POINTS, {"points_awarded": "points"}),
    Panel(
        "actions", "Actions and fallbacks", Unit.COUNT, {"n_actions": "actions", "n_fallbacks": "fallbacks"}
    ),
    Panel("executions", "Runs of strategies", Unit.COUNT, {"n_executions": "runs"}),
    Panel("failures", "Runs that failed", Unit.SHARE, {"execution_error_rate": "failed"}),
    Panel(
        "completeness",
        "Completeness",
        Unit.SHARE,
        {"completeness": "request records that are there"},
        "What the figures of requests rest on.",
    ),
    Panel("lost", "Lost", Unit.COUNT, {"n_requests_lost": "request records", "n_traces_lost": "traces"}),
)


def charts(days: Sequence[date], rows: Mapping[date, KpiMetrics]) -> Iterator[Chart]:
    """Draw all figures over some days; a day that was not rolled up is a gap."""
    for panel in PANELS:
        lines = [
            Line(words, [getattr(rows[day], name) if day in rows else None for day in days])
            for name, words in panel.lines.items()
        ]
        yield Chart(panel.key, panel.title, panel.unit, days, lines, panel.note)
