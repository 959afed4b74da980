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
READERS = {"text", "integer", "number", "boolean", "words", "url", "database", "secret"}
COMPOSE = (ROOT / "docker-compose.yml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(COMPOSE)["services"]
OWN_SERVICES = {"web", "worker", "traces", "beat", "migrate"}


def calls(source: Path) -> Iterator[ast.Call]:
    return (node for node in ast.walk(ast.parse(source.read_text())) if isinstance(node, ast.Call))


def read_by_the_service() -> set[str]:
    """Return the first argument of every `env.<reader>("NAME", ...)` in the settings; a secret may be in a file too."""
    return {
        call.args[0].value + suffix
        for call in calls(ROOT / "gameproject" / "settings.py")
        if isinstance(call.func, ast.Attribute) and call.func.attr in READERS
        if isinstance(call.func.value, ast.Name) and call.func.value.id == "env"
        if isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
        for suffix in (("", "_FILE") if call.func.attr == "secret" else ("",))
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
    return set(re.findall(r"(?<!\$)\$\{(\w+)", COMPOSE))


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
        listed()[name] for name in listed() if name.endswith(("_KEY", "_PASSWORD", "_TOKEN", "_DSN"))
    } == {""}


@pytest.mark.parametrize("package", ["gameproject", "strategies", "observability", "kpi"])
def test_only_the_settings_read_the_environment(package: str) -> None:
    readers = [
        path
        for path in (ROOT / package).rglob("*.py")
        if "tests" not in path.parts and re.search(r"os\.(environ(?!\.setdefault)|getenv)", path.read_text())
    ]
    assert [str(path.relative_to(ROOT)) for path in readers if path.name != "env.py"] == []


@pytest.mark.parametrize("name", sorted(OWN_SERVICES))
def test_every_process_in_compose_is_told_its_servers_and_its_secrets(name: str) -> None:
    told = set(SERVICES[name]["environment"])
    assert {
        "DATABASE_URL",
        "DATABASE_PASSWORD_FILE",
        "REDIS_URL",
        "REDIS_PASSWORD_FILE",
        "SECRET_KEY_FILE",
    } <= told
    assert told <= read_by_the_service()


def test_the_image_copies_what_exists_and_what_the_build_context_holds() -> None:
    dockerfile = (ROOT / "Dockerfile").read_text()
    copied = set(re.findall(r"^COPY (?!--from)(\S+) ", dockerfile, re.MULTILINE))
    allowed = set(re.findall(r"^!(\S+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE))
    assert copied == allowed
    assert [name for name in copied if not (ROOT / name).exists()] == []
