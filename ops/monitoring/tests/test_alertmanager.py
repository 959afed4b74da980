"""Alertmanager reads its configuration, sends each severity where it belongs, and silences only alerts that exist."""

import json
import re
import subprocess
import urllib.request
from pathlib import Path
from typing import Any

import pytest
import yaml

from ops.local.run import ROOT
from ops.monitoring import servers
from ops.monitoring.catalogue import alerts
from ops.monitoring.servers import wait_until

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


@pytest.mark.requires_tool("prometheus-alertmanager")
def test_while_the_service_is_down_a_real_alertmanager_tells_of_nothing_else(tmp_path: Path) -> None:
    labels = [{"alertname": alert.name, "severity": alert.labels["severity"]} for alert in alerts()]
    with servers.alertmanager(tmp_path / "alertmanager", webhook="http://127.0.0.1:1") as port:
        url = f"http://127.0.0.1:{port}/api/v2/alerts"
        body = json.dumps([{"labels": each} for each in labels]).encode()
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
        urllib.request.urlopen(request, timeout=10).close()

        def states() -> dict[str, str]:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return {each["labels"]["alertname"]: each["status"]["state"] for each in json.load(answer)}

        expected = {each["alertname"]: "suppressed" for each in labels} | {"ServiceDown": "active"}
        wait_until(lambda: states() == expected, seconds=20, what=f"all others suppressed: {states()}")
