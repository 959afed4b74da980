"""Real servers for one run of pytest: private to it, so that any number of runs go side by side.

Loaded early (`-p ops.local.testing` in pyproject.toml), because the settings read the two URLs when they
are imported. Loading only chooses the URLs; the servers start when the first test asks for them
(`conftest.py`), so that `pytest strategies/dsl` does not wait for a database it never sees.

A cluster is copied from a template that the first run makes: a tenth of a second instead of one.
What a killed run has left is removed by the next one; its servers ended with it.
"""

import fcntl
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from ops.local import children
from ops.local.postgres import Postgres
from ops.local.servers import Server, wait_until_ready
from ops.local.valkey import Valkey

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".local" / "test"
START_SECONDS = 30.0


@contextmanager
def locked(path: Path, *, wait: bool = True) -> Iterator[IO[bytes]]:
    """Hold a file's lock; BlockingIOError if somebody else does and `wait` is false."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield file


def start(server: Server, log: Path) -> subprocess.Popen[bytes]:
    """Start a server that is prepared, and wait until it answers."""
    with log.open("ab") as output:
        process = children.spawn(server.command, stop_signal=server.stop_signal, output=output)
    try:
        wait_until_ready(server, process, seconds=START_SECONDS, log=log)
    except BaseException:
        children.stop(process, stop_signal=server.stop_signal, seconds=5)
        raise
    return process


@dataclass
class TestServers:
    """The servers of this run that no URL was given for."""

    __test__ = False
    folder: Path = field(default_factory=lambda: FOLDER / f"{os.getpid()}-{secrets.token_hex(2)}")
    servers: dict[str, Server] = field(default_factory=dict)
    _running: list[tuple[Server, subprocess.Popen[bytes]]] = field(default_factory=list)
    _lock: IO[bytes] | None = None

    def choose(self) -> None:
        """Decide on what is missing in the environment, and write it there: settings and children read it."""
        if "DATABASE_URL" not in os.environ:
            self.servers["DATABASE_URL"] = Postgres(self.folder / "postgres")
        if "REDIS_URL" not in os.environ:
            self.servers["REDIS_URL"] = Valkey(self.folder / "valkey")
        os.environ.setdefault("SECRET_KEY", "of-the-tests")
        os.environ.setdefault("SECURE", "false")
        os.environ.update({variable: server.url for variable, server in self.servers.items()})

    def start(self) -> None:
        """Start the servers; does nothing when both are given or running."""
        if not self.servers or self._running:
            return
        with locked(FOLDER / "lock"):
            remove_leftovers()
            self.folder.mkdir()
            self._lock = (self.folder / "lock").open("ab")
            fcntl.flock(self._lock, fcntl.LOCK_EX)
            template = ensure_template() if "DATABASE_URL" in self.servers else None
        for server in self.servers.values():
            if isinstance(server, Postgres) and template is not None:
                server.folder.mkdir()
                subprocess.run(["cp", "-Rp", str(template.data), str(server.folder)], check=True)
            server.prepare()
            self._running.append((server, start(server, self.folder / f"{server.name}.log")))

    def stop(self) -> None:
        """Stop the servers and remove their data, quickly: nobody needs it again."""
        for server, process in reversed(self._running):
            children.stop(process, stop_signal=server.abort_signal, seconds=5)
        self._running.clear()
        remove(self.folder)
        if self._lock is not None:
            self._lock.close()
            self._lock = None


def ensure_template() -> Postgres:
    """Return the cluster that runs copy: made once for each version of PostgreSQL, stopped cleanly."""
    template = Postgres(FOLDER / f"template-{Postgres.version()}")
    finished = template.folder / "finished"
    if not finished.exists():
        shutil.rmtree(template.folder, ignore_errors=True)
        template.prepare()
        process = start(template, template.folder / "log")
        template.create_database()
        children.stop(process, stop_signal=template.stop_signal, seconds=30)
        finished.touch()
    return template


def remove(folder: Path) -> None:
    """Remove the folder of a run."""
    Postgres(folder / "postgres").remove()
    shutil.rmtree(folder, ignore_errors=True)


def remove_leftovers() -> None:
    """Remove the folders of runs that were killed: those whose lock nobody holds."""
    for lock in FOLDER.glob("*/lock"):
        try:
            with locked(lock, wait=False):
                remove(lock.parent)
        except (BlockingIOError, FileNotFoundError):
            continue


test_servers = TestServers()
test_servers.choose()
