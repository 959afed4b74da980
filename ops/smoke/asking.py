"""What Prometheus is asked for: all that rules and panels name, and whether the tour has left its mark."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import yaml

from ops.monitoring.catalogue import DASHBOARDS, RULES, expressions_of, owners_of_expressions
from ops.monitoring.promql import Matcher, Selector, grouping_labels, selectors
from ops.monitoring.servers import Prometheus
from ops.smoke.tour import operations

HAPPENED: Final = (
    'scoring_scores_total{outcome="award"}',
    'scoring_score_duration_seconds_count{mode="batch"}',
    'scoring_score_duration_seconds_count{outcome="replayed"}',
    'scoring_http_requests_total{route="/admin/", status_class="2xx"}',
    'scoring_auth_failures_total{method="api_key"}',
    'scoring_auth_failures_total{method="admin"}',
    'scoring_throttled_total{scope="key"}',
    "dsl_execution_errors_total",
    'dsl_execution_log_persisted_total{kind="sampled"}',
    'dsl_execution_log_persisted_total{kind="error"}',
    'scoring_task_total{task="observability.tasks.store_api_requests", status="success"}',
    'scoring_task_total{task="observability.tasks.heartbeat", status="success"}',
    "scoring_kpi_last_rollup_timestamp_seconds",
    'scoring_dependency_up{dependency="database"}',
    'scoring_dependency_up{dependency="broker"}',
    'scoring_dependency_up{dependency="worker"}',
    'scoring_dependency_up{dependency="beat"}',
)


# ── Names and labels ─────────────────────────────────────────────────────────────────────────────
def missing_of(prometheus: Prometheus, files: list[Path]) -> list[str]:
    """Name what files of rules and dashboards ask for and Prometheus has never seen."""
    return [
        f"{file.name}: {each}"
        for file in files
        for expression in sorted(set(expressions_of(file)))
        for each in missing(prometheus, expression)
    ]


def missing(prometheus: Prometheus, expression: str) -> Iterator[str]:
    """Name what an expression asks for in vain: metrics, values of labels, labels."""
    asked = selectors(expression)
    for selector in asked:
        if not prometheus.has(selector.metric):
            yield selector.metric
            continue
        for matcher in selector.matchers:
            if not prometheus.has(f"{selector.metric}{{{_presence(matcher)}}}"):
                yield str(Selector(selector.metric, (matcher,)))
    for label in grouping_labels(expression):
        if not any(prometheus.has(f'{each.metric}{{{label}!=""}}') for each in asked):
            yield f"by ({label}): {expression}"


def _presence(matcher: Matcher) -> str:
    """An exact value has to exist; of any other matcher, the label."""
    return str(matcher) if matcher.operator == "=" else f'{matcher.label}!=""'


# ── Features ─────────────────────────────────────────────────────────────────────────────────────
def untouched(prometheus: Prometheus) -> list[str]:
    """Name the operations of the API that were never answered well, and what else should have happened."""
    answered = {
        (series["metric"]["method"], series["metric"]["route"])
        for series in prometheus.ask(
            "query", {"query": 'scoring_http_requests_total{status_class="2xx"} > 0'}
        )["result"]
    }
    return [
        *(f"{method} {path} was never answered" for method, path in operations() if (method, path) not in answered),
        *(f"{each} is 0" for each in HAPPENED if not prometheus.is_above_zero(each)),
    ]  # fmt: skip


# ── Typos ────────────────────────────────────────────────────────────────────────────────────────
MARK: Final = "_typo"


def _in_a_metric(expression: str) -> str:
    for metric in sorted(each.metric for each in selectors(expression)):
        return re.sub(rf"\b{metric}\b", metric + MARK, expression, count=1)
    return expression


def _in_a_label(expression: str) -> str:
    return re.sub(r"([{(,] *\w+)(!?=~?\")", rf"\1{MARK}\2", expression, count=1)


def _in_a_value(expression: str) -> str:
    return re.sub(r'(?<!!)="(\w+)"', rf'="\1{MARK}"', expression, count=1)


TYPOS: Final = {"a metric": _in_a_metric, "a label": _in_a_label, "a value": _in_a_value}


def unfound_typos(prometheus: Prometheus, folder: Path) -> list[str]:
    """Plant typos into a copy of each file, one at a time; name those that are not found in it."""
    return [
        f"{copy.name}, typo in {place}"
        for file in (*RULES, *DASHBOARDS)
        for place in TYPOS
        if (copy := plant(file, place, folder)) and not any(MARK in each for each in missing_of(prometheus, [copy]))
    ]  # fmt: skip


def plant(file: Path, place: str, folder: Path) -> Path | None:
    """Copy a file into a folder, with a typo in its first expression that can have it; None if there is none."""
    as_json = file.suffix == ".json"
    document: Any = json.loads(file.read_text()) if as_json else yaml.safe_load(file.read_text())
    for owner in owners_of_expressions(document):
        mistyped = TYPOS[place](owner["expr"])
        if mistyped != owner["expr"]:
            owner["expr"] = mistyped
            copy = folder / file.name
            copy.write_text(json.dumps(document) if as_json else yaml.safe_dump(document))
            return copy
    return None
