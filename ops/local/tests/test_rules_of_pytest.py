"""The rules of `conftest.py`, tried on runs of pytest of their own."""

import os
import subprocess
import sys
from pathlib import Path

from ops.local.run import ROOT

SKIPPING = """
import pytest

def test_skipping():
    pytest.skip("not here")
"""
TOOLS = """
import pytest

@pytest.mark.requires_tool("no-such-program")
def test_missing():
    pass

@pytest.mark.requires_tool("sh")
def test_there():
    pass
"""
WARNING = """
def test_warning():
    import warnings
    warnings.warn("old")
"""


def run_pytest(folder: Path, source: str, **environment: str) -> tuple[int, str]:
    """Run pytest on one file, with the configuration and the conftest of the project; return status and output."""
    (folder / "test_sample.py").write_text(source)
    (folder / "conftest.py").write_text((ROOT / "conftest.py").read_text())
    inherited = {name: value for name, value in os.environ.items() if name != "CI"}
    options = ["-c", str(ROOT / "pyproject.toml"), "-p", "no:cacheprovider", "-p", "no:hypothesispytest"]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *options, "--rootdir", str(folder), str(folder)],
        cwd=ROOT,
        env=inherited | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_a_skip_is_loud_and_a_warning_is_an_error(tmp_path: Path) -> None:
    status, output = run_pytest(tmp_path, SKIPPING + TOOLS + WARNING)
    assert status == 1, output
    assert "1 failed, 1 passed, 2 skipped" in output
    assert "UserWarning: old" in output
    assert "the program 'no-such-program' is not installed" in output
    assert "NOT TESTED: 2 skipped; in CI this would be a failure." in output


def test_in_ci_a_skip_fails_the_run(tmp_path: Path) -> None:
    status, output = run_pytest(tmp_path, SKIPPING, CI="true")
    assert status == 1, output
    assert "NOT TESTED: 1 skipped; in CI this is a failure." in output


def test_in_ci_a_missing_tool_is_a_failure_and_no_skip(tmp_path: Path) -> None:
    status, output = run_pytest(tmp_path, TOOLS, CI="true")
    assert status == 1, output
    assert "1 passed, 1 error" in output
    assert "the program 'no-such-program' is not installed" in output
