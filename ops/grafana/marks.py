"""What is marked in every graph: vertical lines at the times when something was done or went wrong."""

from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.cog import builder as library
from grafana_foundation_sdk.models import dashboard as parts

from ops.grafana.panels import RED, SOURCE


class _Annotation(parts.AnnotationQuery):
    """The library leaves out what only Prometheus' annotations have."""

    shown: dict[str, object]

    def to_json(self) -> dict[str, object]:
        return {**super().to_json(), **self.shown}


@dataclass(frozen=True)
class Mark(library.Builder[parts.AnnotationQuery]):
    """A line wherever an expression has a value above 0; or, if it `is_time`, at its values, which are milliseconds."""

    name: str
    expression: str
    colour: str
    title: str
    is_time: bool = False

    def build(self) -> parts.AnnotationQuery:
        made = _Annotation(
            name=self.name, datasource=SOURCE, enable=True, icon_color=self.colour, expr=self.expression
        )
        made.shown = {"step": "60s", "titleFormat": self.title, "useValueForTime": self.is_time}
        return made


ALL: Final = (
    Mark(
        "Published",
        '1000 * max by (strategy) (scoring_strategy_last_published_timestamp_seconds{strategy=~"$strategy"})',
        "green",
        "{{strategy}}: another version is in production",
        is_time=True,
    ),
    # A release that was not there some minutes before.
    Mark(
        "Deployed",
        "max by (version, environment) (scoring_build_info) "
        "unless max by (version, environment) (max_over_time(scoring_build_info[10m] offset 2m))",
        "purple",
        "{{version}} deployed in {{environment}}",
    ),
    Mark(
        "Started",
        'max by (role) (changes(scoring_process_start_time_seconds{role="web"}[2m])) > 0',
        "blue",
        "{{role}} started anew",
    ),
    Mark(
        "Critical alert",
        'sum by (alertname) (ALERTS{alertstate="firing", severity="critical"})',
        RED,
        "{{alertname}}",
    ),
)
