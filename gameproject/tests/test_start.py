"""A process that lacks a setting stops at once and says which; commands that need none run without."""

import os
import subprocess
import sys

import pytest

NEEDED = ("SECRET_KEY", "DATABASE_URL", "REDIS_URL")
COMPLETE = {
    "SECRET_KEY": "x" * 50,
    "DATABASE_URL": "postgresql://db.invalid/x",
    "REDIS_URL": "redis://r.invalid",
}


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {name: value for name, value in os.environ.items() if name not in {*NEEDED, "DEBUG"}}
    return subprocess.run(
        [sys.executable, *arguments], env={**kept, **environment}, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("missing", NEEDED)
def test_the_web_process_names_what_is_missing(missing: str) -> None:
    environment = {name: value for name, value in COMPLETE.items() if name != missing}

    stopped = run("-c", "import gameproject.wsgi", **environment)

    assert stopped.returncode != 0
    assert f"Set {missing} in the environment" in stopped.stderr
    assert COMPLETE["SECRET_KEY"] not in stopped.stderr


def test_the_web_process_starts_with_all_of_them() -> None:
    assert run("-W", "ignore", "-c", "import gameproject.wsgi", **COMPLETE).returncode == 0


def test_the_web_process_does_not_look_for_garbage_in_what_it_has_loaded() -> None:
    told = run("-W", "ignore", "-c", "import gc, gameproject.wsgi; print(gc.get_freeze_count())", **COMPLETE)

    assert int(told.stdout) > 50_000


def test_a_worker_names_what_is_missing() -> None:
    stopped = run(
        "-m", "celery", "-A", "gameproject", "worker", "--pool", "solo", REDIS_URL="redis://r.invalid"
    )

    assert "Set SECRET_KEY, DATABASE_URL in the environment" in stopped.stdout + stopped.stderr


def test_running_cases_needs_no_variable_at_all() -> None:
    cases = "strategies/dsl/tests/cases/dsl_cases.json"
    done = run("manage.py", "dsl_cases", cases)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "208 passed, 0 failed"
