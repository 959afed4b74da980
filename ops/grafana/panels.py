"""A panel in a line or two: what it asks Prometheus, and how that is drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as parts
from grafana_foundation_sdk.models import units

SOURCE: Final = parts.DataSourceRef(type_val="prometheus", uid="${datasource}")
SECONDS, SHARE, BYTES, NUMBER, PER_SECOND = (
    units.Seconds,
    units.PercentUnit,
    units.BytesIEC,
    units.Short,
    units.RequestsPerSecond,
)
GREEN, YELLOW, RED = "green", "yellow", "red"
# What a series' name says about it: red errors, green success, yellow warnings.
COLOURS: Final = {
    RED: "/(error|5xx|failure|timeout|limit|dropped|lost|critical|down|queue_full|broker_unavailable|persist_failed)/",
    GREEN: "/(^ok|award$|2xx|success|hit|sent|persisted|up$|p50)/",
    YELLOW: "/(warning|4xx|veto|retry|miss|p95)/",
}


@dataclass(frozen=True)
class Query:
    """An expression, and how its series are called: `{{label}}` stands for a label's value."""

    expression: str
    legend: str


@dataclass(frozen=True)
class Panel:
    """A graph, or a number. `yellow` and `red`: from where on it is one; below, if red is the lower of the two."""

    title: str
    queries: Sequence[Query]
    unit: str = NUMBER
    meaning: str = ""
    yellow: float | None = None
    red: float | None = None
    admin: str = ""  # the list that shows the rows behind it
    is_number: bool = False
    width: int = 8

    def build(self) -> timeseries.Panel | stat.Panel:
        panel = _number() if self.is_number else _graph()
        panel.title(self.title).description(self.meaning).datasource(SOURCE).unit(self.unit)
        panel.height(7).span(self.width).thresholds(self._thresholds())
        for number, query in enumerate(self.queries):
            panel.with_target(
                prometheus.Dataquery()
                .expr(query.expression)
                .legend_format(query.legend)
                .ref_id(chr(ord("A") + number))
            )
        if self.admin:
            panel.links([_link(self.admin)])
        return panel

    def _thresholds(self) -> dashboard.ThresholdsConfig:
        steps: list[tuple[float | None, str]] = [(None, GREEN)]
        if self.red is not None and self.yellow is not None:
            falling = self.red < self.yellow
            steps = (
                [(None, RED), (self.red, YELLOW), (self.yellow, GREEN)]
                if falling
                else [(None, GREEN), (self.yellow, YELLOW), (self.red, RED)]
            )
        return (
            dashboard.ThresholdsConfig()
            .mode(parts.ThresholdsMode.ABSOLUTE)
            .steps([parts.Threshold(value=value, color=colour) for value, colour in steps])
        )


def _number() -> stat.Panel:
    return stat.Panel().reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))


def _graph() -> timeseries.Panel:
    graph = (
        timeseries.Panel()
        .line_width(1)
        .fill_opacity(10)
        .show_points(shapes.VisibilityMode.NEVER)
        .thresholds_style(common.GraphThresholdsStyleConfig().mode(shapes.GraphTresholdsStyleMode.DASHED))
        .legend(
            common.VizLegendOptions()
            .display_mode(shapes.LegendDisplayMode.LIST)
            .placement(shapes.LegendPlacement.BOTTOM)
            .show_legend(True)  # noqa: FBT003  # the library's way
        )
        .tooltip(
            common.VizTooltipOptions().mode(shapes.TooltipDisplayMode.MULTI).sort(shapes.SortOrder.DESCENDING)
        )
    )
    for colour, names in COLOURS.items():
        value = {"mode": "fixed", "fixedColor": colour}
        graph.override_by_regexp(names, [parts.DynamicConfigValue(id_val="color", value=value)])
    return graph


def _link(path: str) -> dashboard.DashboardLink:
    return (
        dashboard.DashboardLink("The rows behind it")
        .type(parts.DashboardLinkType.LINK)
        .url(f"${{service}}{path}")
        .target_blank(True)  # noqa: FBT003  # the library's way
    )


# ── Expressions that come again and again ────────────────────────────────────────────────────────
def per_second(metric: str, *by: str, where: str = "") -> str:
    grouped = f" by ({', '.join(by)})" if by else ""
    narrowed = f"{{{where}}}" if where else ""
    return f"sum{grouped} (rate({metric}{narrowed}[$interval]))"


def quantile(share: float, histogram: str, *by: str, where: str = "") -> str:
    return f"histogram_quantile({share}, {per_second(f'{histogram}_bucket', 'le', *by, where=where)})"


def ratio(part: str, whole: str) -> str:
    """Divide sums; where there is nothing to divide by there is no figure."""
    return f"{part} / ({whole} > 0)"
