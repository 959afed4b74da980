"""Every alert can fire, can stay quiet, says what to do, and asks for nothing that is not there."""

import re
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.local.run import ROOT
from ops.monitoring.catalogue import RULES, Rule, alerts, rules, unknown
from ops.monitoring.promql import Matcher, Selector, grouping_labels, selectors

CASES = sorted((ROOT / "ops" / "prometheus" / "tests").glob("*.yml"))
SEVERITIES = {"critical", "warning"}
SUFFIX = re.compile(r"_(?:bucket|sum|count)$")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("up", {Selector("up", ())}),
        ('sum by (le) (rate(a_bucket{le="0.2"}[5m])) > 0.2', {Selector("a_bucket", (Matcher("le", "=", "0.2"),))}),
        (
            'a / on (x) group_left () b{y!="1", z=~"2|3"} offset 1d > bool 14.4e1',
            {Selector("a", ()), Selector("b", (Matcher("y", "!=", "1"), Matcher("z", "=~", "2|3")))},
        ),
        ("slo:bad:share1h > 14 * (1 - slo:objective)", {Selector("slo:bad:share1h", ()), Selector("slo:objective", ())}),
        ("histogram_quantile(0.9, vector(1)) or time() and absent(a)", {Selector("a", ())}),
    ],
)  # fmt: skip
def test_selectors_of_an_expression(expression: str, expected: set[Selector]) -> None:
    assert selectors(expression) == expected


def test_labels_that_an_expression_groups_by() -> None:
    assert grouping_labels("sum by (a, b) (x) / on (c) y") == {"a", "b", "c"}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.name)
def test_a_rule_asks_only_for_metrics_and_labels_that_are_documented(rule: Rule) -> None:
    assert unknown(rule.expression) == []


@pytest.mark.parametrize(
    "expression",
    ["up_", 'up{jop="scoring"}', "sum by (relm) (dsl_execution_errors_total)", "dsl_execution_error_total"],
)
def test_a_typo_is_found(expression: str) -> None:
    assert len(unknown(expression)) == 1


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)
def test_an_alert_says_how_bad_it_is_what_it_means_and_what_to_do(alert: Rule) -> None:
    assert alert.labels.keys() == {"severity"}
    assert alert.labels["severity"] in SEVERITIES
    assert alert.annotations.keys() == {"summary", "description", "runbook_url"}
    page, _, anchor = alert.annotations["runbook_url"].partition("#")
    headings = re.findall(r"^#+ (.+)$", (ROOT / page).read_text(), re.MULTILINE)
    assert anchor == alert.name.lower()
    assert alert.name in headings


@cache
def cases() -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return every expectation about an alert, with the group of series that it stands in."""
    documents = [yaml.safe_load(path.read_text()) for path in CASES]
    return [(group, case) for one in documents for group in one["tests"] for case in group["alert_rule_test"]]


@pytest.mark.parametrize("alert", alerts(), ids=lambda alert: alert.name)
def test_an_alert_has_a_case_that_fires_and_one_that_stays_quiet_though_there_are_series(alert: Rule) -> None:
    asked = {SUFFIX.sub("", each.metric) for each in sources(alert.expression)}
    outcomes = {
        bool(case["exp_alerts"])
        for group, case in cases()
        if case["alertname"] == alert.name
        and asked & {SUFFIX.sub("", each["series"].partition("{")[0]) for each in group["input_series"]}
    }
    assert outcomes == {True, False}


def sources(expression: str) -> set[Selector]:
    """Return what an expression asks of processes: through recording rules down to what they are made of."""
    recorded: dict[str, list[str]] = {}
    for rule in rules():
        if not rule.is_alert:
            recorded.setdefault(rule.name, []).append(rule.expression)
    found, waiting = set(), selectors(expression)
    while waiting:
        each = waiting.pop()
        inner = [selectors(one) for one in recorded.get(each.metric, [])]
        found |= set() if inner else {each}
        waiting |= set().union(*inner)
    return found


def test_no_case_is_about_an_alert_that_is_gone() -> None:
    assert {case["alertname"] for _, case in cases()} == {alert.name for alert in alerts()}


@pytest.mark.requires_tool("promtool")
def test_prometheus_reads_the_rules() -> None:
    promtool("check", "rules", *RULES)


@pytest.mark.requires_tool("promtool")
@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_alerts_fire_and_stay_quiet(path: Path) -> None:
    promtool("test", "rules", path)


def promtool(*arguments: str | Path) -> None:
    done = subprocess.run(["promtool", *arguments], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
