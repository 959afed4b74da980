"""The lock files: everything the service imports is installed for it, by hash, and nothing names a machine."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from ops.local.run import ROOT

OURS = {"gameproject", "strategies", "observability", "kpi", "ops"}
LOCKED = ("requirements", "requirements-local", "requirements-dev")


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def locked(name: str) -> set[str]:
    return {
        normal(found)
        for found in re.findall(r"^([\w.-]+)==", (ROOT / f"{name}.txt").read_text(), re.MULTILINE)
    }


def imported(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the top-level packages that a folder's modules import, tests apart, each with its module."""
    for path in sorted(folder.rglob("*.py")):
        if "tests" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((alias.name.split(".")[0], path.name) for alias in node.names)
            elif isinstance(node, ast.ImportFrom) and node.module:
                yield node.module.split(".")[0], path.name


@pytest.mark.parametrize(
    ("folder", "files"),
    [
        *((folder, ("requirements",)) for folder in ("gameproject", "strategies", "observability", "kpi")),
        *(
            (folder, ("requirements", "requirements-local"))
            for folder in ("ops/local", "ops/drills", "ops/monitoring")
        ),
        ("ops/grafana", LOCKED),  # writes files that are committed: nobody runs it but who changes them
    ],
)
def test_what_is_imported_is_installed_without_development_dependencies(
    folder: str, files: tuple[str, ...]
) -> None:
    available = {package for name in files for package in locked(name)}
    distributions = packages_distributions()
    plugins = {"testing.py", "pytest_plugin.py"}  # of pytest, which only development has
    missing = {
        (package, module)
        for package, module in imported(ROOT / folder)
        if package not in OURS | set(sys.stdlib_module_names) and module not in plugins
        if not {normal(name) for name in distributions.get(package, [])} & available
    }
    assert missing == set()


@pytest.mark.parametrize("name", LOCKED)
def test_every_version_is_exact_and_has_its_hash(name: str) -> None:
    text = (ROOT / f"{name}.txt").read_text()
    entries = re.split(r"\n(?=\w)", text)[1:]
    assert entries
    assert [entry for entry in entries if "--hash=sha256:" not in entry or "==" not in entry] == []


@pytest.mark.parametrize("name", LOCKED)
def test_a_lock_file_says_how_it_was_made_and_names_no_index(name: str) -> None:
    text = (ROOT / f"{name}.txt").read_text()
    assert "make lock" in text.splitlines()[1]
    assert not re.search(r"https?://|--index|--extra-index|--find-links", text)


def test_the_files_agree_on_every_version() -> None:
    pinned: dict[str, set[str]] = {}
    for name in LOCKED:
        for package, version in re.findall(
            r"^([\w.-]+)==(\S+)", (ROOT / f"{name}.txt").read_text(), re.MULTILINE
        ):
            pinned.setdefault(normal(package), set()).add(version)
    assert {package: versions for package, versions in pinned.items() if len(versions) > 1} == {}
