"""Web servers, started for one measurement."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from bench import wrk
from bench.cpu import tree_seconds
from ops.local import children
from ops.local.servers import free_port

START_SECONDS: Final = 60.0
WARM_UP_SECONDS: Final = 2
N_THREADS: Final = 4
GRANIAN: Final = (
    "granian --interface wsgi --host 127.0.0.1 --port {port} --workers {n_workers} "
    f"--blocking-threads {N_THREADS} --no-ws {{application}}"
)
SERVICE: Final = "gameproject.wsgi:application"
BARE: Final = "bench.bare:application"


class WebError(Exception):
    """A web server is missing or does not start."""


@dataclass(frozen=True)
class Web:
    """A server that answers."""

    process: subprocess.Popen[bytes]
    url: str
    command: str
    log: IO[bytes]

    def cpu_seconds(self) -> float:
        return tree_seconds(self.process.pid)

    def log_tail(self) -> str:
        self.log.seek(0)
        return self.log.read().decode(errors="replace")[-2000:]

    def warm_up(self, events: wrk.Events, *, n_clients: int = 32) -> None:
        """Have every worker and thread serve: a worker listens before it has loaded the application."""
        for _ in range(2):
            load = wrk.send(self.url, events, n_clients=n_clients, seconds=WARM_UP_SECONDS)
        self.require_success(load, "warming up")

    def require_success(self, load: wrk.Load, what: str) -> None:
        try:
            load.require_success(what)
        except wrk.LoadFailedError as error:
            raise wrk.LoadFailedError(f"{error}\nThe server's log ends:\n{self.log_tail()}") from None


def granian(application: str, *, n_workers: int) -> str:
    return GRANIAN.format(port="{port}", n_workers=n_workers, application=application)


def find(command: str) -> str | None:
    """Return the path of a command's program, if it is installed."""
    return shutil.which(
        command.split(maxsplit=1)[0], path=f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    )


@contextmanager
def serving(command: str, *, environment: Mapping[str, str] | None = None) -> Iterator[Web]:
    """Run a server on a free port until the end of the block. Raises WebError."""
    port = free_port()
    found, arguments = find(command), command.format(port=port).split()[1:]
    if found is None:
        raise WebError(f"{command.split(maxsplit=1)[0]} is not installed")
    with tempfile.TemporaryFile() as log:
        process = children.spawn(
            [found, *arguments], environment={**os.environ, **(environment or {})}, output=log
        )
        try:
            web = Web(process, f"http://127.0.0.1:{port}", command.format(port="PORT"), log)
            _wait_until_it_answers(web)
            yield web
        finally:
            children.stop(process, stop_signal=signal.SIGTERM, seconds=5)


def _wait_until_it_answers(web: Web) -> None:
    give_up_at = time.monotonic() + START_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"{web.url}/healthz", timeout=2).close()
        except OSError:
            if time.monotonic() > give_up_at or web.process.poll() is not None:
                raise WebError(f"{web.command} does not start:\n{web.log_tail()}") from None
            time.sleep(0.1)
        else:
            return
