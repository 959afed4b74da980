"""Alertmanager reads its configuration, sends each severity where it belongs, and silences only alerts that exist."""

import re
import subprocess
from typing import Any

import pytest
import yaml

from ops.local.run import ROOT
from ops.monitoring.catalogue import alerts

CONFIG = ROOT / "ops" / "alertmanager" / "alertmanager.yml"
WRITTEN: dict[str, Any] = yaml.safe_load(CONFIG.read_text())


def amtool(*arguments: str) -> str:
    command = ["amtool", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.strip()


@pytest.mark.requires_tool("amtool")
def test_alertmanager_reads_it() -> None:
    assert "SUCCESS" in amtool("check-config", str(CONFIG))


@pytest.mark.requires_tool("amtool")
@pytest.mark.parametrize(("severity", "receivers"), [("critical", "pager,chat"), ("warning", "chat"), ("", "chat")])  # fmt: skip
def test_each_severity_goes_where_it_belongs(severity: str, receivers: str) -> None:
    sent_to = amtool("config", "routes", "test", f"--config.file={CONFIG}", f"severity={severity}")
    assert sent_to == receivers


def test_secrets_are_files() -> None:
    receivers = yaml.dump(WRITTEN["receivers"])
    assert re.findall(r"\w+_file: (\S+)", receivers)
    assert re.findall(r"(?:url|key|token|password): \S+", receivers) == []


def test_inhibitions_are_about_alerts_that_exist() -> None:
    names = {alert.name for alert in alerts()}
    for rule in WRITTEN["inhibit_rules"]:
        for matcher in (*rule["source_matchers"], *rule["target_matchers"]):
            _, values = re.fullmatch(r'alertname(=|!=|=~)"(.+)"', matcher).groups()  # type: ignore[union-attr]  # it fails then
            for each in values.split("|"):
                assert any(re.fullmatch(each, name) for name in names), each


def test_service_down_silences_all_others_and_itself_not() -> None:
    [rule] = [
        each for each in WRITTEN["inhibit_rules"] if 'alertname="ServiceDown"' in each["source_matchers"]
    ]
    assert rule["target_matchers"] == ['alertname!="ServiceDown"']
