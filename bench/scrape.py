"""What a scrape of `/metrics` costs with eight web processes.

All eight have scored and been asked for every path: a scrape reads the files of each. `ms` is what Prometheus waits, the figures of
the database among it once in 15 s; `cpu ms` is that of the server's processes.
"""

import contextlib
import re
import statistics
import tempfile
import time
import urllib.request
from typing import Final
from urllib.error import HTTPError

from bench import stage, web, wrk
from bench.figures import Figure, rounded
from bench.machine import ROOT
from bench.results import Findings, table

N_PROCESSES: Final = 8
N_SCRAPES: Final = 60
GOAL_MS: Final = 150


def measure(*, quick: bool) -> Findings:
    wrk.require_wrk()
    with stage.cluster() as cluster, tempfile.TemporaryDirectory() as folder:
        world = stage.make_world()
        game = world.game("data", world.strategy("Data only", stage.DATA_ONLY))
        cluster.settle()
        events = wrk.Events(path=f"/api/v1/games/{game.external_id}/tasks/t%d/points", key=world.key)
        variables = {
            "PROMETHEUS_MULTIPROC_DIR": folder,
            "METRICS_ALLOWED_NETWORKS": "127.0.0.0/8",
            "SCORING_DEADLINE_SECONDS": "10",  # eight processes that start at once keep events waiting
        }
        command = web.granian(web.SERVICE, n_workers=N_PROCESSES)
        with web.serving(command, environment=variables) as server:
            server.warm_up(events)
            _visit_all(server)
            scrapes = [_scrape(server) for _ in range(5 if quick else N_SCRAPES)]
        postgresql = cluster.describe()
    return _findings(scrapes, {"processes": N_PROCESSES, "postgresql": postgresql})


def _visit_all(server: web.Web) -> None:
    """Ask for every path of the API, by connections of their own: each process is to have a series of each."""
    paths = re.findall(r"^  (/api/v1/\S+):$", (ROOT / "docs" / "openapi.yaml").read_text(), re.MULTILINE)
    for path in paths * (2 * N_PROCESSES):
        with contextlib.suppress(HTTPError):  # without a key
            urllib.request.urlopen(f"{server.url}{path}").close()


def _scrape(server: web.Web) -> tuple[float, float, int]:
    """Return how long a scrape took, the server's processor time, both in ms, and the number of series."""
    began_at, used = time.perf_counter(), server.cpu_seconds()
    with urllib.request.urlopen(f"{server.url}/metrics") as answer:
        text: str = answer.read().decode()
    n_series = sum(not line.startswith("#") for line in text.splitlines())
    return (
        (time.perf_counter() - began_at) * 1000,
        (server.cpu_seconds() - used) * 1000,
        n_series,
    )


def _findings(scrapes: list[tuple[float, float, int]], detail: dict[str, object]) -> Findings:
    milliseconds, cpu, series = (sorted(column) for column in zip(*scrapes, strict=True))
    median = statistics.median(milliseconds)
    print(table(["scrape", "ms", "worst", "cpu ms", "series"], [[f"{N_PROCESSES} processes", median, milliseconds[-1], statistics.mean(cpu), series[-1]]]))  # fmt: skip
    print(f"The goal is {GOAL_MS} ms.")
    worst = rounded(milliseconds[-1])
    return Findings(
        {"scrape.ms": Figure(median, None)},
        {**detail, "worstMs": worst, "series": series[-1], "scrapes": len(scrapes)},
    )
