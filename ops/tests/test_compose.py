"""docker-compose.yml holds together: what it names is there, what it starts is watched, pinned and shut in."""

import json
import logging
import re
import stat
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from observability.logs import formatter
from ops.local.postgres import Postgres
from ops.local.run import ROOT
from ops.monitoring.catalogue import DASHBOARDS
from ops.tests import compose
from ops.tests.compose import FILE, OWN, SERVICES

MONITORING = {"prometheus", "alertmanager", "grafana"}
HAPROXY = ROOT / "ops" / "haproxy" / "haproxy.cfg"
STAYING = sorted(set(SERVICES) - {"migrate"})
FOREIGN = sorted(set(SERVICES) - set(OWN))


def test_it_runs_every_process_of_the_service_and_its_servers() -> None:
    assert set(SERVICES) == {*OWN, *MONITORING, "balancer", "postgres", "redis"}
    assert SERVICES["web"]["deploy"] == {"replicas": 2}
    assert [name for name in SERVICES if "deploy" in SERVICES[name]] == ["web"]


# ── Watched, pinned, shut in ─────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("name", STAYING)
def test_what_stays_up_is_watched_and_restarted(name: str) -> None:
    assert SERVICES[name]["restart"] == "unless-stopped"
    assert SERVICES[name]["healthcheck"].keys() >= {"test", "interval", "timeout", "retries"}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_container_can_write_to_its_volumes_alone_and_become_nobody_else(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["user"].partition(":")[0] not in {"", "0", "root"}
    assert {"privileged", "cap_add", "network_mode", "pid"} & service.keys() == set()
    files = [volume for volume in service.get("volumes", []) if volume.startswith("./")]
    assert [each for each in files if not each.endswith(":ro")] == []


@pytest.mark.parametrize("name", FOREIGN)
def test_images_are_pinned_to_a_version(name: str) -> None:
    assert re.fullmatch(r"[\w/]+:v?\d+\.\d+(\.\d+)?(-\w+)?", SERVICES[name]["image"])


def test_the_images_that_ours_is_built_from_are_pinned_too_and_it_runs_as_its_own_user() -> None:
    bases = re.findall(r"^FROM (\S+)", compose.DOCKERFILE, re.MULTILINE)
    assert [base for base in bases if not re.fullmatch(r"python:\d+\.\d+\.\d+-[\w-]+", base)] == []
    assert {SERVICES[name]["image"] for name in OWN} == {"gameproject"}
    [user] = re.findall(r"^USER (\w+)$", compose.DOCKERFILE, re.MULTILINE)
    assert {SERVICES[name]["user"] for name in OWN} == {user}


def test_postgresql_is_the_version_that_the_tests_run_on() -> None:
    assert SERVICES["postgres"]["image"] == f"postgres:{Postgres.version()}"


def test_nothing_is_published_but_what_people_open_and_only_on_loopback() -> None:
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "balancer": ["127.0.0.1:${PORT:-8000}:8000"],
        "prometheus": ["127.0.0.1:${PROMETHEUS_PORT:-9090}:9090"],
        "grafana": ["127.0.0.1:${GRAFANA_PORT:-3000}:3000"],
    }


# ── What it names is there ───────────────────────────────────────────────────────────────────────
def test_services_wait_for_services_that_are_there_and_watched() -> None:
    waited_for = [
        (name, other, how["condition"])
        for name, service in SERVICES.items()
        for other, how in service.get("depends_on", {}).items()
    ]
    assert len(waited_for) > 5
    for name, other, condition in waited_for:
        assert other in SERVICES, name
        assert (condition == "service_healthy") == ("healthcheck" in SERVICES[other]), name


def test_volumes_are_declared_and_files_exist() -> None:
    mounted = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    files = {each for each in mounted if each.startswith("./")}
    assert mounted - files == set(FILE["volumes"])
    assert [each for each in files if not (ROOT / each).exists()] == []


def test_grafana_looks_for_dashboards_where_they_are_mounted() -> None:
    provisioned = yaml.safe_load((ROOT / "ops/grafana/provisioning/dashboards/scoring.yml").read_text())
    [provider] = provisioned["providers"]
    [folder] = [
        source
        for volume in SERVICES["grafana"]["volumes"]
        for source, target in [volume.removesuffix(":ro").split(":")]
        if target == provider["options"]["path"]
    ]
    # It looks into folders of that folder too, and refuses all of them if one is there twice.
    assert sorted(file.name for file in (ROOT / folder).rglob("*.json")) == [file.name for file in DASHBOARDS]


def configuration_of(service: str) -> str:
    """Return the files that a service is given, those of folders too."""
    given = [ROOT / volume.split(":")[0] for volume in SERVICES[service].get("volumes", [])]
    files = [file for path in given for file in (path.rglob("*") if path.is_dir() else [path])]
    return "\n".join(file.read_text() for file in files if file.suffix in {".yml", ".cfg"})


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_has_the_secrets_that_it_reads(name: str) -> None:
    read = set(re.findall(r"/run/secrets/(\w+)", yaml.dump(SERVICES[name]) + configuration_of(name)))
    assert read == set(SERVICES[name].get("secrets", []))


@pytest.mark.parametrize("name", FOREIGN)
def test_hosts_in_a_configuration_are_services(name: str) -> None:
    hosts = re.findall(r"(?:^|//|[^\w./:-])([a-z]+):\d{4}\b", configuration_of(name))
    named = re.findall(r"names: \[([\w, ]+)\]", configuration_of(name))
    hosts += [each for names in named for each in names.split(", ")]
    assert [host for host in hosts if host not in SERVICES] == []
    assert hosts or name not in {"balancer", "prometheus", "grafana"}


def test_prometheus_scrapes_services_on_the_ports_they_answer_on() -> None:
    jobs = yaml.safe_load((ROOT / "ops" / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    scraped = {name: each["port"] for job in jobs for each in job["dns_sd_configs"] for name in each["names"]}
    of_its_own = SERVICES["worker"]["environment"]["METRICS_PORT"]
    assert scraped == {"web": 8000, "worker": of_its_own, "traces": of_its_own, "beat": of_its_own}


def test_the_example_for_logs_looks_for_this_project_and_for_keys_that_lines_have() -> None:
    example = (ROOT / "ops" / "alloy" / "config.alloy").read_text()
    assert f"com.docker.compose.project={FILE['name']}" in example
    record = logging.LogRecord("name", logging.INFO, "path", 1, "something happened", None, None)
    line = json.loads(formatter(rendered_as="json").format(record))
    read = re.findall(r'= "(\w+)"', re.findall(r"expressions = \{(.*?)\}", example)[0])
    assert set(read) <= set(line)
    assert datetime.fromisoformat(line["timestamp"]).utcoffset() == timedelta(0)


# ── Secrets ──────────────────────────────────────────────────────────────────────────────────────
def make_secrets(folder: Path) -> dict[str, str]:
    subprocess.run([str(ROOT / "ops" / "make_secrets.sh"), str(folder)], check=True, capture_output=True)
    return {path.name: path.read_text() for path in (folder / "secrets").iterdir()}


def test_secrets_are_files_for_a_read_only_container_can_have_no_others() -> None:
    assert {name: source["file"] for name, source in FILE["secrets"].items()} == {
        name: f"./secrets/{name}" for name in FILE["secrets"]
    }
    assert "secrets/" in (ROOT / ".gitignore").read_text().splitlines()


def test_one_command_makes_all_of_them_once(tmp_path: Path) -> None:
    made = make_secrets(tmp_path)
    assert set(made) == set(FILE["secrets"])
    empty = {name for name, value in made.items() if not value}
    assert empty == {"pager_key", "chat_url"}
    assert min(len(value) for name, value in made.items() if name not in empty) >= 50
    assert len(set(made.values()) - {""}) == len(made) - len(empty)

    assert make_secrets(tmp_path) == made


def test_only_their_owner_comes_to_them_and_each_container_can_read_its_own(tmp_path: Path) -> None:
    make_secrets(tmp_path)
    assert stat.S_IMODE((tmp_path / "secrets").stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in (tmp_path / "secrets").iterdir()} == {0o644}


# ── The servers' own checks ──────────────────────────────────────────────────────────────────────
def checked(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.mark.requires_tool("haproxy")
def test_haproxy_reads_its_configuration_without_a_warning() -> None:
    assert "WARNING" not in checked("haproxy", "-c", "-f", HAPROXY)


@pytest.mark.requires_tool("promtool")
def test_prometheus_reads_its_configuration(tmp_path: Path) -> None:
    written: dict[str, Any] = yaml.safe_load((ROOT / "ops" / "prometheus" / "prometheus.yml").read_text())
    assert written["rule_files"] == ["/etc/prometheus/rules/*.yml"]
    assert "./ops/prometheus/rules:/etc/prometheus/rules:ro" in SERVICES["prometheus"]["volumes"]
    make_secrets(tmp_path)
    text = yaml.dump({**written, "rule_files": [str(ROOT / "ops" / "prometheus" / "rules" / "*.yml")]})
    (tmp_path / "prometheus.yml").write_text(text.replace("/run/secrets", str(tmp_path / "secrets")))

    assert "4 rule files found" in checked("promtool", "check", "config", tmp_path / "prometheus.yml")
