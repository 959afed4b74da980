"""`python -m ops.grafana.build`: write the dashboards' JSON, to be read by people and, minified, by Grafana.

A test builds them again and compares.
"""

import json
from typing import Final

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard as parts

from ops.grafana import marks
from ops.grafana.dashboards import ALL, Dashboard
from ops.grafana.panels import SOURCE
from ops.local.run import ROOT

FOLDER: Final = ROOT / "ops" / "grafana"
MINIFIED: Final = "minified"


def main() -> None:
    for name, text in written().items():
        (FOLDER / name).write_text(text)
        print(FOLDER / name)


def written() -> dict[str, str]:
    """Return what is to stand in each file, by its path in the folder."""
    found = {}
    for each in ALL:
        plain = json.loads(json.dumps(_built(each), cls=JSONEncoder))
        found[f"{each.uid}.json"] = json.dumps(plain, indent=2, sort_keys=True) + "\n"
        found[f"{MINIFIED}/{each.uid}.json"] = json.dumps(plain, separators=(",", ":"), sort_keys=True) + "\n"
    return found


def _built(described: Dashboard) -> parts.Dashboard:
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
    )
    for mark in marks.ALL:
        made.annotation(mark)
    for variable in _variables():
        made.with_variable(variable)
    for panel in described.panels:
        made.with_panel(panel.build())
    return made.build()


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


if __name__ == "__main__":
    main()
