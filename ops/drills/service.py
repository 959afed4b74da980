"""The service as `make run` starts it, on servers of its own, and what can be done to it.

A drill of the ledger needs no worker; one of traces starts it, and reads the figures of all processes, ended ones too.
"""

import fcntl
import http.client
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

import psutil
import psycopg

from ops.local import children, testing
from ops.local.postgres import Postgres
from ops.local.run import ROOT, Options, service_programs
from ops.local.servers import Server, free_port
from ops.local.valkey import Valkey

WEB_WORKERS = 2
START_SECONDS = 60.0
N_KNOCKS = 12  # the kernel gives each new connection to one worker by chance: one of them asks each
END_BY = {"web": signal.SIGTERM, "traces": signal.SIGTERM, "postgres": signal.SIGQUIT}
WORKER_READY = " ready."  # Celery's own word
DURABILITY = ("fsync", "synchronous_commit", "full_page_writes")


class Service:
    """PostgreSQL, Valkey and the web server. A context manager; call it from the main thread."""

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self._variables = variables or {}
        # Where the next test run looks for what a killed one has left.
        self.folder = testing.FOLDER / f"{os.getpid()}-{secrets.token_hex(2)}"
        self.postgres = Postgres(self.folder / "postgres")
        self.valkey = Valkey(self.folder / "valkey")
        self.port = free_port()
        self.demo: dict[str, str] = {}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._open = ExitStack()

    def __enter__(self) -> Self:
        self.metrics_folder.mkdir(parents=True)
        self._open.callback(testing.remove, self.folder)
        self._open.callback(self._end_all)
        lock = self._open.enter_context((self.folder / "lock").open("ab"))
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            self._start_servers()
            self._manage("migrate", "--no-input")
            self.demo = json.loads(self._manage("demo_data", "--json").splitlines()[-1])
            self._start_web()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @property
    def api_key(self) -> str:
        return self.demo["apiKey"]

    @property
    def metrics_folder(self) -> Path:
        """Where the processes share their figures, those that were killed too."""
        return self.folder / "metrics"

    # ── Starting ─────────────────────────────────────────────────────────────────────────────────
    @property
    def environment(self) -> dict[str, str]:
        return {
            **os.environ,
            "DATABASE_URL": self.postgres.url,
            "REDIS_URL": self.valkey.url,
            "SECRET_KEY": "of-the-drills",
            "SECURE": "false",
            "DEBUG": "false",
            "STATIC_ROOT": str(self.folder / "static"),
            "DJANGO_SETTINGS_MODULE": "gameproject.settings",
            "PROMETHEUS_MULTIPROC_DIR": str(self.metrics_folder),
            **self._variables,
        }

    def _start_servers(self) -> None:
        with testing.locked(testing.FOLDER / "lock"):
            template = testing.ensure_template()
        self.postgres.folder.mkdir()
        subprocess.run(["cp", "-Rp", str(template.data), str(self.postgres.folder)], check=True)
        self.start(self.postgres)
        self.start(self.valkey)

    def start(self, server: Server) -> None:
        server.prepare()
        self._processes[server.name] = testing.start(server, self.folder / f"{server.name}.log")

    def _manage(self, *arguments: str) -> str:
        command = [sys.executable, str(ROOT / "manage.py"), *arguments]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise RuntimeError(f"manage.py {arguments[0]} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def _start_program(self, name: str) -> None:
        programs = service_programs(Options(self.port, WEB_WORKERS), self.environment)
        [program] = [each for each in programs if each.name == name]
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = children.spawn(
                program.command, environment=program.environment, folder=ROOT, output=log
            )

    def start_worker(self) -> None:
        """Start the worker of the queue of traces, and wait until it takes messages."""
        n_before = self.log("traces").count(WORKER_READY)
        self._start_program("traces")
        give_up_at = time.monotonic() + START_SECONDS
        while self.log("traces").count(WORKER_READY) == n_before:
            if time.monotonic() > give_up_at:
                raise RuntimeError(f"the worker does not start:\n{self.log('traces')[-3000:]}")
            time.sleep(0.05)

    def _start_web(self) -> None:
        self._start_program("web")
        give_up_at = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if time.monotonic() > give_up_at:
                raise RuntimeError(f"the web server does not start:\n{self.web_log()[-3000:]}")
            time.sleep(0.1)
        self.wait_for_workers()

    def _is_ready(self) -> bool:
        try:
            return self.call("GET", "/readyz")[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    # ── Looking ──────────────────────────────────────────────────────────────────────────────────
    def call(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        headers = {"Content-Type": "application/json", "X-API-Key": self.api_key}
        try:
            client.request(method, path, None if body is None else json.dumps(body).encode(), headers)
            response = client.getresponse()
            return response.status, json.loads(response.read() or b"null")
        finally:
            client.close()

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self.postgres.url, autocommit=True)

    def require_durability(self) -> None:
        """Raise unless PostgreSQL keeps what it has confirmed; without that a drill proves nothing."""
        with self.connect() as connection:
            for name in DURABILITY:
                [(value,)] = connection.execute(f"SHOW {name}").fetchall()
                if value != "on":
                    raise RuntimeError(f"{name} is {value}")

    def listening_workers(self) -> list[psutil.Process]:
        """Return granian's workers that listen: a new one loads the application first."""
        master = psutil.Process(self._processes["web"].pid)
        return [each for each in master.children() if _listens(each, self.port)]

    def wait_for_workers(self) -> None:
        """Wait until all workers serve. They listen before they have loaded the application."""
        give_up_at = time.monotonic() + START_SECONDS
        while len(self.listening_workers()) < WEB_WORKERS:
            if time.monotonic() > give_up_at:
                raise RuntimeError(f"a web worker does not come back:\n{self.web_log()[-3000:]}")
            time.sleep(0.2)
        for _ in range(N_KNOCKS):
            self.call("GET", "/healthz")

    def web_log(self) -> str:
        return self.log("web")

    def log(self, program: str) -> str:
        file = self.folder / f"{program}.log"
        return file.read_text(errors="replace") if file.exists() else ""

    # ── Hurting ──────────────────────────────────────────────────────────────────────────────────
    def end(self, server: Server, number: signal.Signals) -> None:
        """Send a signal to a server's first process, and wait until all of its processes are gone."""
        process = self._processes.pop(server.name)
        everyone = self._family(process)
        process.send_signal(number)
        process.wait(30)
        psutil.wait_procs(everyone, timeout=30)

    def end_worker(self, number: signal.Signals) -> None:
        """End the worker of traces: all of its processes by SIGKILL, the first of them by any other signal."""
        process = self._processes.pop("traces")
        if number is signal.SIGKILL:
            children.signal_group(process, number)
        else:
            process.send_signal(number)
        process.wait(30)

    def kill_all_of(self, server: Server) -> None:
        """End all processes of a server at the same moment, as a crash of the machine would."""
        process = self._processes.pop(server.name)
        everyone = self._family(process)
        for each in everyone:
            each.suspend()  # so that nobody sees the others die
        for each in everyone:
            each.kill()
        process.wait(30)
        psutil.wait_procs(everyone, timeout=30)

    def suspend(self, server: Server) -> list[psutil.Process]:
        """SIGSTOP a server's first process, so that it makes no new ones, then all others."""
        process = psutil.Process(self._processes[server.name].pid)
        process.suspend()
        everyone = [process, *process.children(recursive=True)]
        for each in everyone[1:]:
            each.suspend()
        return everyone

    @staticmethod
    def resume(everyone: list[psutil.Process]) -> None:
        for each in reversed(everyone):
            each.resume()

    @staticmethod
    def _family(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
        first = psutil.Process(process.pid)
        return [first, *first.children(recursive=True)]

    def _end_all(self) -> None:
        for name, process in reversed(self._processes.items()):
            number = END_BY.get(name, signal.SIGKILL)
            children.stop(process, stop_signal=number, seconds=10)
        self._processes.clear()
        shutil.rmtree(self.folder / "static", ignore_errors=True)


def _listens(process: psutil.Process, port: int) -> bool:
    try:
        listening = [each for each in process.net_connections("tcp") if each.status == psutil.CONN_LISTEN]
    except psutil.Error:  # it was killed
        return False
    return any(each.laddr[1] == port for each in listening)
