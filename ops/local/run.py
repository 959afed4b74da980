"""`make run`: servers, database, demo data, web, worker and beat, from nothing to a curl line that works.

Reads DATABASE_URL and REDIS_URL (each replaces one embedded server), PORT and WEB_WORKERS; every other
variable of the service reaches it unchanged. All that is kept lies in `.local/`.
"""

import errno
import fcntl
import json
import os
import secrets
import shutil
import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from celery import Celery

from ops.local.children import end_with_parent
from ops.local.postgres import Postgres
from ops.local.servers import Server, ServerError
from ops.local.supervisor import STOPPING, Program, StartError, StopRequestedError, Supervisor, say
from ops.local.valkey import Valkey

ROOT = Path(__file__).resolve().parents[2]
LOCAL = ROOT / ".local"
THREADS_PER_WORKER = 4  # one waits for the database while another works; more only fight for the interpreter
SERVER_SECONDS = 60.0
READY_SECONDS = 60.0


class RefusedError(Exception):
    """`make run` cannot begin; the message says what to do."""


@dataclass(frozen=True)
class Options:
    """What the environment says about this run."""

    port: int
    web_workers: int

    @classmethod
    def read(cls, environment: Mapping[str, str]) -> "Options":
        return cls(
            port=whole_number(environment, "PORT", 8000, most=65535),
            web_workers=whole_number(environment, "WEB_WORKERS", os.cpu_count() or 1, most=256),
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


def whole_number(environment: Mapping[str, str], name: str, default: int, *, most: int) -> int:
    text = environment.get(name, "") or str(default)
    if not text.isdecimal() or not 1 <= int(text) <= most:
        raise RefusedError(f"{name}={text}: a whole number from 1 to {most} was expected.")
    return int(text)


# ── Before anything starts ───────────────────────────────────────────────────────────────────────
@contextmanager
def only_one(local: Path, url: str) -> Iterator[None]:
    """Hold this checkout's lock, or refuse and say who holds it."""
    local.mkdir(exist_ok=True)
    with (local / "run.lock").open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise RefusedError(
                f"`make run` is already running in this checkout: {file.read().strip()}."
            ) from None
        file.truncate(0)
        file.write(f"process {os.getpid()}, {url}")
        file.flush()
        yield


def check_port(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            taken = error.errno == errno.EADDRINUSE
            why = "is taken, perhaps by another checkout" if taken else f"cannot be used: {error.strerror}"
            raise RefusedError(f"Port {port} {why}. Choose another one: PORT={port + 1} make run") from None


def kept_secret(path: Path) -> str:
    """Return the secret in a file that only its owner reads; make one the first time."""
    if not path.exists():
        write_private(path, secrets.token_urlsafe(48))
    return path.read_text().strip()


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner reads, all of it or nothing."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.unlink(missing_ok=True)
    with os.fdopen(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
    unfinished.replace(path)


# ── The programs ─────────────────────────────────────────────────────────────────────────────────
def server_program(server: Server) -> Program:
    return Program(
        name=server.name,
        command=server.command,
        environment=os.environ,
        stage=0,
        stop_signal=server.stop_signal,
        stop_seconds=30.0,
        shown=False,
    )


def service_programs(options: Options, environment: Mapping[str, str]) -> list[Program]:
    """Return web, workers and beat."""
    web = ["granian", "--interface", "wsgi", "--host", "127.0.0.1", "--port", str(options.port), "--no-ws"]
    web += ["--workers", str(options.web_workers), "--blocking-threads", str(THREADS_PER_WORKER)]
    web += ["--respawn-failed-workers", "--respawn-interval", "0.5", "--workers-kill-timeout", "8"]
    celery = ["celery", "--quiet", "-A", "gameproject"]
    worker = [
        *celery,
        "worker",
        "--loglevel",
        "INFO",
        "--without-gossip",
        "--without-mingle",
        "--concurrency",
        "1",
    ]
    commands = {
        "web": [*web, "gameproject.wsgi:application"],
        "worker": [*worker, "--hostname", "default@%h", "--queues", "default"],
        "traces": [*worker, "--hostname", "traces@%h", "--queues", "traces,requests"],
        "beat": [
            *celery,
            "beat",
            "--loglevel",
            "INFO",
            "--schedule",
            str(LOCAL / "beat-schedule"),
            "--pidfile",
            "",
        ],
    }
    return [
        Program(name, [*_rank(name), sys.executable, "-m", *command], environment)
        for name, command in commands.items()
    ]


def _rank(name: str) -> list[str]:
    """Let what nobody waits for give way: the start of a worker takes seconds of a core that scoring may need."""
    return [] if name == "web" else ["nice", "-n", "10"]


def manage(name: str, *arguments: str, environment: Mapping[str, str]) -> Program:
    return Program(name, [sys.executable, str(ROOT / "manage.py"), name, *arguments], environment)


# ── The steps ────────────────────────────────────────────────────────────────────────────────────
def start_servers(supervisor: Supervisor) -> dict[str, str]:
    """Start the servers that no variable names; return the URLs of both."""
    urls = {name: os.environ[name] for name in ("DATABASE_URL", "REDIS_URL") if os.environ.get(name)}
    postgres = Postgres(LOCAL / "postgres")
    servers: dict[str, Server] = {"DATABASE_URL": postgres, "REDIS_URL": Valkey(LOCAL / "valkey")}
    missing = {name: server for name, server in servers.items() if name not in urls}
    for server in missing.values():
        server.prepare()
        supervisor.start(server_program(server))
    for server in missing.values():
        supervisor.wait_until(server.is_ready, what=server.name, seconds=SERVER_SECONDS)
    if "DATABASE_URL" in missing:
        postgres.create_database()
    return urls | {name: server.url for name, server in missing.items()}


def prepare_data(supervisor: Supervisor, environment: Mapping[str, str]) -> dict[str, Any]:
    """Bring database and static files up to date; return what the demo data are reached by."""
    supervisor.run_once(manage("migrate", "--no-input", environment=environment))
    collect_static(supervisor, environment)
    known = LOCAL / "run.json"
    arguments = ["--known", str(known)] if known.exists() else []
    answer = supervisor.run_once(manage("demo_data", "--json", *arguments, environment=environment))
    # Plans made on empty tables would stay sequential scans.
    with psycopg.connect(environment["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("ANALYZE")
    demo: dict[str, Any] = json.loads(answer.strip().splitlines()[-1])
    return demo


def collect_static(supervisor: Supervisor, environment: Mapping[str, str]) -> None:
    """Collect the static files, unless nothing they come from has changed since the last time."""
    folder, stamp = Path(environment["STATIC_ROOT"]), LOCAL / "static.stamp"
    ours = sorted(path for path in ROOT.glob("*/static/**/*") if path.is_file())
    sources = "\n".join(f"{path} {path.stat().st_mtime_ns}" for path in [ROOT / "requirements.txt", *ours])
    if folder.exists() and stamp.exists() and stamp.read_text() == sources:
        return
    shutil.rmtree(folder, ignore_errors=True)
    supervisor.run_once(manage("collectstatic", "--no-input", environment=environment))
    stamp.write_text(sources)


def answers(url: str) -> Callable[[], bool]:
    """Return a function that says whether `url` answers 200."""

    def ask() -> bool:
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own loopback address
                return bool(answer.status == 200)
        except (urllib.error.URLError, OSError):
            return False

    return ask


def forget_figures(folder: Path) -> None:
    """Empty the folder of metrics: figures of an earlier run's processes would be added to those of this one."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.db"):
        path.unlink()


def worker_answers(broker_url: str) -> Callable[[], bool]:
    """Return a function that says whether a worker answers a ping through the broker."""
    app = Celery(broker=broker_url, set_as_current=False)
    return lambda: bool(app.control.ping(timeout=1.0, limit=1))


def start_service(supervisor: Supervisor, options: Options, environment: Mapping[str, str]) -> None:
    """Start the programs of the service, and wait until web and worker do their work."""
    for program in service_programs(options, environment):
        supervisor.start(program)
    for path in ("/healthz", "/readyz"):
        supervisor.wait_until(answers(options.url + path), what="web", seconds=READY_SECONDS)
    supervisor.wait_until(worker_answers(environment["REDIS_URL"]), what="worker", seconds=READY_SECONDS)


def summary(facts: Mapping[str, Any]) -> str:
    return f"""
  Address   {facts["url"]}/
  Admin     {facts["url"]}/admin/   user {facts["adminUser"]}, password {facts["adminPassword"]}
  API key   {facts["apiKey"]}

  Send an event, get points (sent again with the same Idempotency-Key, it is not scored again):

curl -sS {facts["url"]}/api/v1/games/{facts["gameId"]}/tasks/{facts["taskId"]}/points \\
  -H 'X-API-Key: {facts["apiKey"]}' -H 'Idempotency-Key: ana-{time.time_ns() // 1_000_000:x}' \\
  -H 'Content-Type: application/json' -d '{{"externalUserId":"ana","data":{{"minutes":12}}}}'

  Logs      .local/log/
  All this  .local/run.json
  Stop      Ctrl-C, or: kill {os.getpid()}
"""


def run(options: Options) -> None:
    """Start everything, say how to use it, and look after it until a signal asks for the end."""
    began_at = time.monotonic()
    with Supervisor(LOCAL / "log") as supervisor:
        urls = start_servers(supervisor)
        environment = {
            "DEBUG": "false",
            "SECURE": "false",  # plain HTTP on loopback
            "LOG_FORMAT": "console",
            "METRICS_ALLOWED_NETWORKS": "127.0.0.0/8",
            "PROMETHEUS_MULTIPROC_DIR": str(LOCAL / "metrics"),
            "SECRET_KEY": kept_secret(LOCAL / "secret_key"),
            "STATIC_ROOT": str(LOCAL / "staticfiles"),
            **os.environ,
            **urls,
            "PYTHONUNBUFFERED": "1",
        }
        demo = prepare_data(supervisor, environment)
        forget_figures(Path(environment["PROMETHEUS_MULTIPROC_DIR"]))
        start_service(supervisor, options, environment)
        facts = {
            "url": options.url,
            **demo,
            "databaseUrl": urls["DATABASE_URL"],
            "redisUrl": urls["REDIS_URL"],
        }
        write_private(LOCAL / "run.json", json.dumps(facts, indent=2))
        print(summary(facts), flush=True)
        say(f"everything runs, {time.monotonic() - began_at:.1f} s after the start")
        supervisor.run()
        say("stopping ...")
    Postgres(LOCAL / "postgres").remove_sockets()
    say("stopped")


def main() -> int:
    if "MAKELEVEL" in os.environ:
        end_with_parent(STOPPING[1])  # a killed `make` cannot pass a signal on
    os.chdir(ROOT)
    try:
        options = Options.read(os.environ)
        with only_one(LOCAL, options.url):
            check_port(options.port)
            run(options)
    except StopRequestedError:
        say("stopped before everything was up")
    except (RefusedError, ServerError, StartError) as error:
        print(f"\n{error}\n", file=sys.stderr, flush=True)
        return 1
    except PermissionError as error:
        print(f"\n{error}\nWas `make run` used here by another user before?\n", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
