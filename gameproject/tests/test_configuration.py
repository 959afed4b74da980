"""What can be configured is read in one place, listed in `.env.example` and the documents, and passed on by compose."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.conf import settings

ROOT = Path(settings.BASE_DIR)
READERS = {"text", "integer", "number", "boolean", "words", "database"}
COMPOSE = (ROOT / "docker-compose.yml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
OWN_SERVICES = {"web", "worker", "traces", "beat", "migrate"}
MONITORING = {"prometheus", "alertmanager", "grafana"}


def calls(source: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.Call))


def read_by_the_service() -> set[str]:
    """Return the first argument of every `env.<reader>("NAME", ...)` in the settings."""
    return {
        call.args[0].value
        for call in calls(ROOT / "gameproject" / "settings.py")
        if isinstance(call.func, ast.Attribute) and call.func.attr in READERS
        if isinstance(call.func.value, ast.Name) and call.func.value.id == "env"
        if isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
    }


def read_by_make_run() -> set[str]:
    """Return the names that `make run` reads numbers from; the others it passes on."""
    return {
        call.args[1].value
        for call in calls(ROOT / "ops" / "local" / "run.py")
        if isinstance(call.func, ast.Name) and call.func.id == "whole_number"
        if isinstance(call.args[1], ast.Constant) and isinstance(call.args[1].value, str)
    }


def read_by_docker_compose() -> set[str]:
    of_secrets = {secret["environment"] for secret in yaml.safe_load(COMPOSE)["secrets"].values()}
    return set(re.findall(r"(?<!\$)\$\{(\w+)", COMPOSE)) | of_secrets


def listed() -> dict[str, str]:
    """Return the variables of `.env.example` with their values, commented out or not."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    return {
        found[1]: found[2] for line in lines if (found := re.fullmatch(r"#?([A-Z][A-Z0-9_]*)=(.*)", line))
    }


def test_env_example_lists_exactly_the_variables_that_are_read() -> None:
    assert set(listed()) == read_by_the_service() | read_by_make_run() | read_by_docker_compose()


def test_env_example_lists_each_variable_once() -> None:
    names = re.findall(r"^#?([A-Z][A-Z0-9_]*)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    assert sorted(names) == sorted(set(names))


def default_of(call: ast.Call) -> object:
    """Return the default that a reader is given, where it is written as a value; None where it is computed."""
    given = [*call.args[1:2], *(each.value for each in call.keywords if each.arg == "default")]
    names = [node for node in ast.walk(ast.Tuple(given, ast.Load())) if isinstance(node, ast.Name)]
    if not given or names:
        return None
    return eval(compile(ast.Expression(given[0]), "settings", "eval"), {"__builtins__": {}})


def defaults() -> dict[str, str]:
    """Return the defaults in the settings, as they are written in the environment."""
    found = {
        call.args[0].value: default_of(call)
        for call in calls(ROOT / "gameproject" / "settings.py")
        if isinstance(call.func, ast.Attribute) and call.func.attr in READERS - {"database"}
        if isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
    }
    return {name: str(value) for name, value in found.items() if value is not None}


@pytest.mark.parametrize(("name", "default"), sorted(defaults().items()))
def test_env_example_shows_the_default(name: str, default: str) -> None:
    assert listed()[name].lower() == default.removesuffix(".0").lower()


def documented() -> dict[str, str]:
    """Return the variables of docs/configuration.md with their defaults."""
    page = (ROOT / "docs" / "configuration.md").read_text()
    rows = re.findall(r"^\| `([A-Z][A-Z0-9_]*)` \| (?:`([^`]*)`|none) \| .+ \|$", page, re.MULTILINE)
    assert len(rows) == len(dict(rows))
    return dict(rows)


def test_the_documents_list_the_same_variables_with_the_same_defaults() -> None:
    assert documented() == listed()


def test_env_example_holds_no_secret() -> None:
    assert {
        listed()[name]
        for name in listed()
        if name.endswith(("_KEY", "_PASSWORD", "_TOKEN", "_DSN")) or name == "ALERT_CHAT_URL"
    } == {""}


@pytest.mark.parametrize("package", ["gameproject", "strategies", "observability", "kpi"])
def test_only_the_settings_read_the_environment(package: str) -> None:
    readers = [
        path
        for path in (ROOT / package).rglob("*.py")
        if "tests" not in path.parts and re.search(r"os\.(environ(?!\.setdefault)|getenv)", path.read_text())
    ]
    assert [str(path.relative_to(ROOT)) for path in readers if path.name != "env.py"] == []


def test_compose_runs_every_process_of_the_service_and_its_servers() -> None:
    assert set(SERVICES) == {*OWN_SERVICES, *MONITORING, "postgres", "redis"}


@pytest.mark.parametrize("name", sorted(OWN_SERVICES))
def test_every_process_in_compose_is_told_its_servers_and_its_key(name: str) -> None:
    assert {"DATABASE_URL", "REDIS_URL", "SECRET_KEY"} <= set(SERVICES[name]["environment"])
    assert set(SERVICES[name]["environment"]) <= read_by_the_service()


@pytest.mark.parametrize("name", sorted(set(SERVICES) - {"migrate"}))
def test_compose_watches_and_restarts_what_stays_up(name: str) -> None:
    assert SERVICES[name]["restart"] == "unless-stopped"
    assert SERVICES[name]["healthcheck"]["test"]


def test_compose_publishes_nothing_but_what_people_open_and_only_on_loopback() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert published == {
        "web": ["127.0.0.1:${PORT:-8000}:8000"],
        "prometheus": ["127.0.0.1:${PROMETHEUS_PORT:-9090}:9090"],
        "grafana": ["127.0.0.1:${GRAFANA_PORT:-3000}:3000"],
    }


def test_compose_mounts_declared_volumes_and_files_that_exist() -> None:
    mounted = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    files = {each for each in mounted if each.startswith("./")}
    assert mounted - files == set(yaml.safe_load(COMPOSE)["volumes"])
    assert [each for each in files if not (ROOT / each).exists()] == []


def test_compose_gives_each_secret_to_a_service_and_each_is_declared() -> None:
    given = {secret for service in SERVICES.values() for secret in service.get("secrets", [])}
    assert given == set(yaml.safe_load(COMPOSE)["secrets"])


def test_secrets_are_read_where_compose_puts_them() -> None:
    for service, path in [
        ("prometheus", "prometheus/prometheus.yml"),
        ("alertmanager", "alertmanager/alertmanager.yml"),
    ]:
        read = set(re.findall(r"/run/secrets/(\w+)", (ROOT / "ops" / path).read_text()))
        assert read == set(SERVICES[service]["secrets"])


def test_prometheus_scrapes_services_on_the_ports_they_answer_on() -> None:
    jobs = yaml.safe_load((ROOT / "ops" / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    scraped = {name: each["port"] for job in jobs for each in job["dns_sd_configs"] for name in each["names"]}
    of_its_own = SERVICES["worker"]["environment"]["METRICS_PORT"]
    assert scraped == {"web": 8000, "worker": of_its_own, "traces": of_its_own, "beat": of_its_own}


@pytest.mark.parametrize("name", sorted(MONITORING))
def test_images_of_monitoring_are_pinned_and_read_only(name: str) -> None:
    assert re.fullmatch(r"[\w/]+:v?\d+\.\d+\.\d+", SERVICES[name]["image"])
    assert SERVICES[name]["read_only"]


def test_the_image_copies_what_exists_and_what_the_build_context_holds() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    copied = set(re.findall(r"^COPY (?!--from)(\S+) ", dockerfile, re.MULTILINE))
    allowed = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    assert copied == allowed
    assert [name for name in copied if not (ROOT / name).exists()] == []
