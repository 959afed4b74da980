"""What traces cost a request: processor time of the web server for a score, by sample rate and by how the broker is.

One server for each pair, the same but for two variables; they take turns, and the one that keeps nothing is measured
twice a round. There is no worker: what one costs is the section `traces`.
"""

import signal
import statistics
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final

from django.conf import settings
from redis import Redis

from bench import stage, web, wrk
from bench.figures import MIN_PAIRS, Figure, noise, ratio, rounded
from bench.results import Findings, table
from bench.turns import take_turns
from observability import trace_messages
from ops.local import children, testing
from ops.local.valkey import Valkey

RATES: Final = ("0", "0.05", "1")
BROKERS: Final = ("up", "hung", "refused")
REFUSED: Final = "redis://127.0.0.1:1/0"
N_WORKERS: Final = 1
N_CLIENTS: Final = 8
SECONDS: Final = 3
NOTHING: Final = ("0", "up")
AGAIN: Final = ("0", "up again")
Cell = tuple[str, str]  # a rate and a broker


def measure(*, quick: bool) -> Findings:
    wrk.require_wrk()
    with stage.cluster() as cluster, hung_broker() as hung, ExitStack() as stack:
        world = stage.make_world()
        game = world.game("data", world.strategy("Data only", stage.DATA_ONLY))
        cluster.settle()
        events = wrk.Events(path=f"/api/v1/games/{game.external_id}/tasks/t%d/points", key=world.key)
        urls = {"up": settings.REDIS_URL, "hung": hung, "refused": REFUSED}
        servers = {
            (rate, broker): stack.enter_context(_serving(rate, url))
            for broker, url in urls.items()
            for rate in RATES
        }
        for server in servers.values():
            server.warm_up(events)
        found = take_turns(
            [*servers, AGAIN],
            lambda cell: _cpu_ms(servers[NOTHING if cell == AGAIN else cell], events),
            n_rounds=2 if quick else MIN_PAIRS,
            label=f"{len(servers)} servers, {N_CLIENTS} clients",
        )
        postgresql = cluster.describe()
    return _findings(
        found, {"server": web.granian(web.SERVICE, n_workers=N_WORKERS), "postgresql": postgresql}
    )


@contextmanager
def hung_broker() -> Iterator[str]:
    """Run a broker that takes connections and never answers."""
    with tempfile.TemporaryDirectory() as folder:
        valkey = Valkey(Path(folder))
        valkey.prepare()
        process = testing.start(valkey, Path(folder) / "log")
        process.send_signal(signal.SIGSTOP)
        try:
            yield valkey.url
        finally:
            children.stop(process, stop_signal=signal.SIGKILL, seconds=5)


@contextmanager
def _serving(rate: str, url: str) -> Iterator[web.Web]:
    variables = {
        "DSL_EXECUTION_LOG_SAMPLE_RATE": rate,
        "DSL_EXECUTION_LOG_QUEUE_MAXSIZE": "1000000",
        "REDIS_URL": url,
    }
    with web.serving(web.granian(web.SERVICE, n_workers=N_WORKERS), environment=variables) as server:
        yield server


def _cpu_ms(server: web.Web, events: wrk.Events) -> float:
    """Return the server's processor time for a score."""
    with Redis.from_url(settings.REDIS_URL) as redis:
        redis.delete(trace_messages.QUEUE)
    before = server.cpu_seconds()
    load = wrk.send(server.url, events, n_clients=N_CLIENTS, seconds=SECONDS)
    spent = server.cpu_seconds() - before
    server.require_success(load, "scoring")
    return spent * 1000 / load.n_requests


def _findings(found: dict[Cell, list[float]], detail: dict[str, object]) -> Findings:
    share = noise(found[NOTHING], found[AGAIN])
    medians = {cell: rounded(statistics.median(values)) for cell, values in found.items()}
    ratios = {cell: rounded(ratio(values, found[NOTHING])) for cell, values in found.items()}
    print(
        table(
            ["server CPU ms", *RATES], [[each, *(medians[rate, each] for rate in RATES)] for each in BROKERS]
        )
    )
    print(
        table(["x rate 0, up", *RATES], [[each, *(ratios[rate, each] for rate in RATES)] for each in BROKERS])
    )
    cells = {
        f"rate {rate}, broker {broker}": {
            "serverCpuMs": medians[rate, broker],
            "xNothing": ratios[rate, broker],
        }
        for rate, broker in found
    }
    figure = Figure(ratio(found["0.05", "up"], found[NOTHING]), share)
    return Findings(
        {"http.sampling_cpu_005_over_0": figure}, {**detail, "clients": N_CLIENTS, "cells": cells}
    )
