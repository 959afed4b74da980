"""Load over HTTP, by wrk: one thread of it, any number of connections, each sending as soon as it is answered."""

import itertools
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

LUA: Final = Path(__file__).parent / "load.lua"
_seeds = itertools.count(1)


class LoadFailedError(Exception):
    """Requests were refused or lost: what was measured is not what was meant."""


@dataclass(frozen=True)
class Events:
    """Which events are sent. `path` has a %d for the number of the task where one event is sent at a time."""

    path: str
    key: str
    game: str = ""
    n_players: int = 10_000
    n_tasks: int = 100
    n_tasks_each: int = 10
    n_per_batch: int = 0

    def environment(self) -> dict[str, str]:
        return {
            "LOAD_PATH": self.path,
            "LOAD_KEY": self.key,
            "LOAD_GAME": self.game,
            "LOAD_PLAYERS": str(self.n_players),
            "LOAD_TASKS": str(self.n_tasks),
            "LOAD_PAIRS": str(self.n_tasks_each),
            "LOAD_BATCH": str(self.n_per_batch),
            "LOAD_SEED": str(next(_seeds)),
        }


@dataclass(frozen=True)
class Load:
    """What wrk counted. Latencies in milliseconds; `n_refused` are answers of status 400 and above."""

    n_requests: int
    seconds: float
    mean_ms: float
    p50_ms: float
    p95_ms: float
    p99_ms: float
    n_refused: int = 0
    n_lost: int = 0

    @property
    def per_second(self) -> float:
        """Requests that were answered 2xx, a second."""
        return (self.n_requests - self.n_refused) / self.seconds

    def require_success(self, what: str) -> None:
        if self.n_refused or self.n_lost:
            raise LoadFailedError(
                f"{what}: of {self.n_requests} requests {self.n_refused} were refused, {self.n_lost} lost."
            )
        if not self.n_requests:
            raise LoadFailedError(f"{what}: no request was answered in {self.seconds:.1f} s.")


def require_wrk() -> None:
    if shutil.which("wrk") is None:
        sys.exit("This section sends its load with wrk, which is not installed: apt-get install wrk")


def send(url: str, events: Events, *, n_clients: int, seconds: int) -> Load:
    """Keep `n_clients` connections busy for so many seconds."""
    command = ["wrk", "-t1", f"-c{n_clients}", f"-d{seconds}", "--timeout", "15", "-s", str(LUA), url]
    environment = {**os.environ, **events.environment()}
    done = subprocess.run(command, env=environment, check=True, capture_output=True, text=True)
    return parse(done.stdout)


def parse(output: str) -> Load:
    """Read the line that load.lua prints when wrk is through."""
    for line in output.splitlines():
        if line.startswith("LOAD "):
            found = json.loads(line.removeprefix("LOAD "))
            return Load(
                n_requests=found["requests"],
                seconds=found["seconds"],
                mean_ms=found["mean"],
                p50_ms=found["p50"],
                p95_ms=found["p95"],
                p99_ms=found["p99"],
                n_refused=found["refused"],
                n_lost=found["lost"],
            )
    raise LoadFailedError(f"wrk gave no figures:\n{output}")
