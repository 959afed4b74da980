"""`python -m ops.grafana.build`: write the dashboards' JSON. A test builds them again and compares."""

import json
from typing import Final

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as parts

from ops.grafana.dashboards import ALL, Dashboard
from ops.grafana.panels import SOURCE
from ops.local.run import ROOT

FOLDER: Final = ROOT / "ops" / "grafana"
STARTED: Final = 'changes(scoring_process_start_time_seconds{role="web"}[2m]) > 0'
FIRING: Final = 'sum by (alertname) (ALERTS{alertstate="firing", severity="critical"})'


def main() -> None:
    for name, text in written().items():
        (FOLDER / name).write_text(text)
        print(FOLDER / name)


def written() -> dict[str, str]:
    """Return what is to stand in each file."""
    return {f"{each.uid}.json": _text(each) for each in ALL}


def _text(described: Dashboard) -> str:
    made = (
        dashboard.Dashboard(described.title)
        .uid(described.uid)
        .tags(["scoring"])
        .refresh("30s")
        .time("now-6h", "now")
        .timezone("browser")
        .tooltip(parts.DashboardCursorSync.CROSSHAIR)
        .link(
            dashboard.DashboardLink("Scoring")
            .type(parts.DashboardLinkType.DASHBOARDS)
            .tags(["scoring"])
            .keep_time(True)  # noqa: FBT003  # the library's way
        )
        .annotation(_marks("Started", STARTED, "blue"))
        .annotation(_marks("Critical alert", FIRING, "red"))
    )
    for variable in _variables():
        made.with_variable(variable)
    for panel in described.panels:
        made.with_panel(panel.build())
    return json.dumps(made.build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"


def _variables() -> list[dashboard.DatasourceVariable | dashboard.QueryVariable | dashboard.IntervalVariable | dashboard.TextBoxVariable]:  # fmt: skip
    return [
        dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"),
        _labels("realm", "dsl_execution_duration_seconds_count"),
        _labels("strategy", "scoring_scores_total"),
        dashboard.IntervalVariable("interval").values("1m,5m,15m,1h").current(_chosen("5m")),
        dashboard.TextBoxVariable("service").label("Admin's address").default_value("http://127.0.0.1:8000"),
    ]


def _labels(name: str, metric: str) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(name)
        .datasource(SOURCE)
        .query(f"label_values({metric}, {name})")
        .refresh(parts.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .multi(True)  # noqa: FBT003  # the library's way
        .include_all(True)  # noqa: FBT003  # the same
        .all_value(".*")
        .current(_chosen("$__all", "All"))
    )


def _chosen(value: str, text: str = "") -> parts.VariableOption:
    return parts.VariableOption(selected=True, text=text or value, value=value)


def _marks(name: str, expression: str, colour: str) -> dashboard.AnnotationQuery:
    return (
        dashboard.AnnotationQuery()
        .name(name)
        .datasource(SOURCE)
        .enable(True)  # noqa: FBT003  # the library's way
        .icon_color(colour)
        .expr(expression)
    )


if __name__ == "__main__":
    main()
