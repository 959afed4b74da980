"""Scoring over HTTP against a bare Django view on the same server with the same options.

Everything is on that is on in production: authentication, request id, metrics of all processes, observers, throttling (asked at
every request; the key's own rates are unlimited, or nothing but refusals would be measured). 10,000 players with a history
on ten of 100 tasks each. In the headline cell, 2 workers and 8 clients, all take turns for three seconds each, and
scoring and the bare view are measured twice a round; the other cells of the matrix get rounds of one second.
"""

import statistics
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from tempfile import TemporaryDirectory
from typing import Any, Final

from django.db.models import Sum

from bench import seeding, stage, web, wrk
from bench.figures import MIN_PAIRS, Figure, noise, ratio, rounded, worst
from bench.results import Findings, rows_of, table
from bench.turns import take_turns
from strategies.models import TaskStats

N_WORKERS: Final = (1, 2)
N_CLIENTS: Final = (1, 8, 32)
HEADLINE: Final = (2, 8)
LEDGER: Final = seeding.Ledger(n_scores=300_000)
IDLE_TRIES: Final = 200
AGAIN: Final = " again"
KINDS: Final = ("bare", "score", "default")
BATCHES: Final = {"batch 1000": 1000, "batch 100": 100}


@dataclass(frozen=True)
class Round:
    """One run of the load, and what it cost."""

    load: wrk.Load
    n_clients: int
    n_per_batch: int
    server_cpu_seconds: float
    postgres_cpu_seconds: float

    @property
    def per_second(self) -> float:
        """Events a second. Of batches few fit into a round, and those cut off at its end would be missed: clients that
        always wait for an answer send one by mean latency each."""
        if self.n_per_batch:
            return self.n_clients * self.n_per_batch / self.load.mean_ms * 1000
        return self.load.per_second

    @property
    def server_cpu_ms(self) -> float:
        return self.server_cpu_seconds * 1000 / (self.per_second * self.load.seconds)

    @property
    def postgres_cpu_ms(self) -> float:
        return self.postgres_cpu_seconds * 1000 / (self.per_second * self.load.seconds)


class Bench:
    """The servers, and the loads they are sent."""

    def __init__(self, cluster: stage.Cluster, events: dict[str, wrk.Events]) -> None:
        self.cluster = cluster
        self.events = events
        self.webs: dict[tuple[str, int], web.Web] = {}

    def server(self, kind: str, n_workers: int) -> web.Web:
        return self.webs["bare" if kind == "bare" else "service", n_workers]

    def measure(self, kind: str, *, n_workers: int, n_clients: int, seconds: int) -> Round:
        """Send a load, and require that every answer was a success and every score is stored."""
        kind = kind.removesuffix(AGAIN)
        server, events = self.server(kind, n_workers), self.events[kind]
        self._wait_until_idle(server)
        n_before, cpu = n_stored(), (server.cpu_seconds(), self.cluster.cpu_seconds())
        load = wrk.send(server.url, events, n_clients=n_clients, seconds=seconds)
        found = Round(
            load,
            n_clients,
            events.n_per_batch,
            server.cpu_seconds() - cpu[0],
            self.cluster.cpu_seconds() - cpu[1],
        )
        server.require_success(load, kind)
        if kind != "bare" and n_stored() - n_before < load.n_requests * (events.n_per_batch or 1):
            raise wrk.LoadFailedError(f"{kind}: more events were answered than stored.")
        return found

    def _wait_until_idle(self, server: web.Web) -> None:
        """Let requests end whose client has gone, or the next round would pay for them."""
        for _ in range(IDLE_TRIES):
            before = server.cpu_seconds()
            time.sleep(0.05)
            if server.cpu_seconds() - before <= 0.01 and not stage.n_active():
                return
        raise wrk.LoadFailedError("the server does not come to rest")


def n_stored() -> int:
    """Count the scores by the tasks' figures, which each score moves in its own transaction."""
    return int(TaskStats.objects.aggregate(n=Sum("n_scores"))["n"])


def prepare_events(cluster: stage.Cluster, ledger: seeding.Ledger) -> dict[str, wrk.Events]:
    """Make a game for each program, with a history, and the events that are sent to it."""
    world = stage.make_world()
    games = {
        "score": world.game("data", world.strategy("Data only", stage.DATA_ONLY)),
        "default": world.game("default", stage.default_strategy()),
    }
    events = {"bare": wrk.Events(path="/bare", key=world.key)}
    for kind, game in games.items():
        seeding.score_prototypes(world, game)
        seeding.seed(cluster.postgres.url, [game], ledger, label=f"history of {kind}")
        path = f"/api/v1/games/{game.external_id}/tasks/t%d/points"
        events[kind] = wrk.Events(path=path, key=world.key, game=game.external_id)
    for kind, n_events in BATCHES.items():
        events[kind] = replace(events["score"], path="/api/v1/scores/batch", n_per_batch=n_events)
    cluster.settle()
    return events


@contextmanager
def running(cluster: stage.Cluster, events: dict[str, wrk.Events], workers: Iterable[int]) -> Iterator[Bench]:
    """Serve the service and the bare view with each number of workers, warm."""
    bench = Bench(cluster, events)
    with ExitStack() as stack:
        for n_workers in workers:
            for kind, application in [("bare", web.BARE), ("service", web.SERVICE)]:
                command = web.granian(application, n_workers=n_workers)
                # Figures that all processes of a server share, as in production: each lies in a file.
                environment = {"PROMETHEUS_MULTIPROC_DIR": stack.enter_context(TemporaryDirectory())}
                server = stack.enter_context(web.serving(command, environment=environment))
                server.warm_up(events["bare" if kind == "bare" else "default"])
                bench.webs[kind, n_workers] = server
        yield bench


def measure(*, quick: bool) -> Findings:
    wrk.require_wrk()
    with stage.cluster() as cluster:
        events = prepare_events(cluster, replace(LEDGER, n_scores=20_000) if quick else LEDGER)
        with running(cluster, events, N_WORKERS) as bench:
            cells = {cell: _measure_cell(bench, *cell, quick=quick) for cell in _cells()}
            options = {f"{kind}, {n} workers": each.command for (kind, n), each in bench.webs.items()}
        return Findings(
            _figures(cells[HEADLINE]),
            {
                "server": options,
                "postgresql": cluster.describe(),
                "service": stage.describe_service(),
                "cells": {f"{w} workers, {c} clients": _summary(cell) for (w, c), cell in cells.items()},
            },
        )


def _cells() -> list[tuple[int, int]]:
    others = [(w, c) for w in N_WORKERS for c in N_CLIENTS if (w, c) != HEADLINE]
    return [HEADLINE, *others]


def _measure_cell(bench: Bench, n_workers: int, n_clients: int, *, quick: bool) -> dict[str, list[Round]]:
    is_headline = (n_workers, n_clients) == HEADLINE
    names = [*KINDS, "score" + AGAIN, *(["bare" + AGAIN, *BATCHES] if is_headline else [])]
    cell = take_turns(
        names,
        lambda kind: bench.measure(
            kind, n_workers=n_workers, n_clients=n_clients, seconds=_seconds(kind) if is_headline else 1
        ),
        n_rounds=2 if quick else MIN_PAIRS,
        label=f"{n_workers} workers x {web.N_THREADS} threads, {n_clients} clients",
    )
    columns = [
        "",
        "events/s",
        "x bare",
        "± A/A",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "server CPU ms",
        "PostgreSQL CPU ms",
    ]
    print(table(columns, rows_of(_summary(cell))), flush=True)
    return cell


def _seconds(kind: str) -> int:
    return 6 if kind == "batch 1000" else 3  # such a batch may take one of them


def rates(rounds: Sequence[Round]) -> list[float]:
    return [each.per_second for each in rounds]


def _noise(cell: dict[str, list[Round]]) -> float:
    """Return the worse of the noise of scoring and, where it was measured twice too, of the bare view."""
    twice = [name for name in cell if name + AGAIN in cell]
    return max(noise(rates(cell[name]), rates(cell[name + AGAIN])) for name in twice)


def _figures(cell: dict[str, list[Round]]) -> dict[str, Figure]:
    share, per_second = _noise(cell), {kind: rates(rounds) for kind, rounds in cell.items()}
    over_bare = {kind: Figure(ratio(per_second[kind], per_second["bare"]), share) for kind in KINDS}
    return {
        "http.score_over_bare": over_bare["score"],
        "http.default_over_bare": over_bare["default"],
        "http.batch_over_single": Figure(ratio(per_second["batch 1000"], per_second["score"]), share),
        "http.score_server_cpu_ms": _cpu(cell, "server_cpu_ms"),
        "http.score_postgres_cpu_ms": _cpu(cell, "postgres_cpu_ms"),
    }


def _cpu(cell: dict[str, list[Round]], name: str) -> Figure:
    """Return the worse of the two programs' medians."""
    values = {kind: [getattr(each, name) for each in rounds] for kind, rounds in cell.items()}
    share = noise(values["score"], values["score" + AGAIN])
    return worst((Figure(statistics.median(values[kind]), share) for kind in ("score", "default")), of=max)


def _summary(cell: dict[str, list[Round]]) -> dict[str, dict[str, Any]]:
    share, bare = _noise(cell), rates(cell["bare"])
    return {
        kind: {
            "eventsPerSecond": rounded(statistics.median(rates(rounds))),
            "xBare": rounded(ratio(rates(rounds), bare)),
            "noise": rounded(share),
            **{name: _median(rounds, name) for name in ("p50_ms", "p95_ms", "p99_ms")},
            "serverCpuMs": rounded(statistics.median(each.server_cpu_ms for each in rounds)),
            "postgresCpuMs": rounded(statistics.median(each.postgres_cpu_ms for each in rounds)),
        }
        for kind, rounds in cell.items()
    }


def _median(rounds: Sequence[Round], name: str) -> float:
    return rounded(statistics.median(getattr(each.load, name) for each in rounds))
