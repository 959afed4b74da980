"""The metrics there are, by docs/metrics.md, and those that the recording rules add."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from ops.local.run import ROOT
from ops.monitoring.promql import Selector, grouping_labels, selectors

RULES: Final = sorted((ROOT / "ops" / "prometheus" / "rules").glob("*.yml"))
DASHBOARDS: Final = sorted((ROOT / "ops" / "grafana").glob("*.json"))
ROW: Final = re.compile(r"^\| `(\w+)` \| (counter|gauge|histogram) \|([^|]*)\| .+ \|$", re.MULTILINE)
BY_PROMETHEUS: Final = frozenset({"job", "instance"})  # labels that every scraped series has
OWN: Final = {"up": BY_PROMETHEUS, "ALERTS": frozenset({"alertname", "alertstate", "severity"})}


@dataclass(frozen=True)
class Rule:
    """An alert or a recording rule."""

    name: str
    expression: str
    is_alert: bool
    labels: dict[str, str]
    annotations: dict[str, str]


@cache
def rules() -> tuple[Rule, ...]:
    documents = [yaml.safe_load(path.read_text()) for path in RULES]
    return tuple(_rule(each) for one in documents for group in one["groups"] for each in group["rules"])


def _rule(written: dict[str, Any]) -> Rule:
    return Rule(
        name=written.get("alert") or written["record"],
        expression=written["expr"],
        is_alert="alert" in written,
        labels=written.get("labels", {}),
        annotations=written.get("annotations", {}),
    )


def alerts() -> tuple[Rule, ...]:
    return tuple(rule for rule in rules() if rule.is_alert)


@cache
def labels_by_metric() -> dict[str, frozenset[str]]:
    """Return the labels of each metric: documented ones, Prometheus' own, and recorded ones."""
    page = (ROOT / "docs" / "metrics.md").read_text()
    found: dict[str, frozenset[str]] = dict(OWN)
    for name, kind, labels in ROW.findall(page):
        of_kind = {"le"} if kind == "histogram" else set()
        found[name] = frozenset(re.findall(r"`(\w+)`", labels)) | of_kind | BY_PROMETHEUS
    for rule in rules():
        if not rule.is_alert:
            found[rule.name] = found.get(rule.name, frozenset()) | frozenset({"slo", *rule.labels})
    return found


def unknown(expression: str) -> list[str]:
    """Name what an expression asks for and nothing has: metrics, labels of them, labels it groups by."""
    there = labels_by_metric()
    asked = selectors(expression)
    labels_there = {label for each in asked for label in _labels(each)}
    return [
        *(str(each) for each in asked if each.metric not in there and each.family not in there),
        *(f"{m.label} of {each}" for each in asked for m in each.matchers if m.label not in _labels(each)),
        *(f"by ({label})" for label in grouping_labels(expression) if label not in labels_there),
    ]


def _labels(selector: Selector) -> frozenset[str]:
    there = labels_by_metric()
    return there.get(selector.metric) or there.get(selector.family, frozenset())


# ── Dashboards ───────────────────────────────────────────────────────────────────────────────────
VARIABLES: Final = {"$interval": "5m", "$realm": ".*", "$strategy": ".*"}


@cache
def panels() -> dict[str, str]:
    """Return every expression of the dashboards by where it stands, with their variables filled in."""
    found = {}
    for path in DASHBOARDS:
        shown = json.loads(path.read_text())
        for panel in shown["panels"]:
            for target in panel["targets"]:
                found[f"{path.stem}: {panel['title']} {target['refId']}"] = _filled(target["expr"])
        for each in shown["annotations"]["list"]:
            found[f"{path.stem}: annotation {each['name']}"] = each["expr"]
    return found


def _filled(expression: str) -> str:
    for name, value in VARIABLES.items():
        expression = expression.replace(name, value)
    return expression


# ── Either ───────────────────────────────────────────────────────────────────────────────────────
def expressions_of(file: Path) -> list[str]:
    """Return the expressions of a file of rules or of a dashboard, with variables filled in."""
    document = json.loads(file.read_text()) if file.suffix == ".json" else yaml.safe_load(file.read_text())
    return [_filled(owner["expr"]) for owner in owners_of_expressions(document)]


def owners_of_expressions(document: Any) -> Iterator[dict[str, Any]]:
    """Find whatever has an expression, in rules and in dashboards alike: nothing is missed for its place."""
    if isinstance(document, dict):
        if isinstance(document.get("expr"), str):
            yield document
        for each in document.values():
            yield from owners_of_expressions(each)
    elif isinstance(document, list):
        for each in document:
            yield from owners_of_expressions(each)
