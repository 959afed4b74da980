"""What it costs when everybody wants the same: 32 clients on many tasks, on one task, on one player and task.

Once with the disk as it is, and once with commits that take at least 3 ms (`commit_delay`), as they do on a disk
without a write cache: a fast one hides what waits for a commit.
"""

import statistics
from dataclasses import replace
from typing import Any, Final

from bench import http, seeding, stage, web, wrk
from bench.figures import MIN_PAIRS, Figure, noise, ratio, rounded
from bench.results import Findings, rows_of, table
from bench.turns import take_turns

N_WORKERS: Final = 2
N_CLIENTS: Final = 32
SECONDS: Final = 3
LEDGER: Final = seeding.Ledger(n_scores=300_000)
MANY: Final = "many tasks"
DISKS: Final = {
    "disk as it is": ("ALTER SYSTEM RESET commit_delay", "ALTER SYSTEM RESET commit_siblings"),
    "commit_delay 3 ms": ("ALTER SYSTEM SET commit_delay = 3000", "ALTER SYSTEM SET commit_siblings = 0"),
}


def measure(*, quick: bool) -> Findings:
    wrk.require_wrk()
    with stage.cluster() as cluster:
        world = stage.make_world()
        game = world.game("contention", world.strategy("Data only", stage.DATA_ONLY))
        seeding.score_prototypes(world, game)
        ledger = replace(LEDGER, n_scores=20_000) if quick else LEDGER
        seeding.seed(cluster.postgres.url, [game], ledger, label="history")
        cluster.settle()
        many = wrk.Events(path=f"/api/v1/games/{game.external_id}/tasks/t%d/points", key=world.key)
        events = {
            MANY: many,
            MANY + http.AGAIN: many,
            "one task": replace(many, n_tasks=1),
            "one player": replace(many, n_tasks=1, n_players=1, n_tasks_each=1),
        }
        with web.serving(web.granian(web.SERVICE, n_workers=N_WORKERS)) as server:
            server.warm_up(many)
            bench = http.Bench(cluster, events)
            bench.webs["service", N_WORKERS] = server
            found = {disk: _measure_on(bench, disk, quick=quick) for disk in DISKS}
            command = server.command
        postgresql = cluster.describe()
    return Findings(
        _figures(found["disk as it is"]),
        {
            "server": command,
            "clients": N_CLIENTS,
            "service": stage.describe_service(),
            "postgresql": postgresql,
            "disks": {disk: _summary(rounds) for disk, rounds in found.items()},
        },
    )


def _measure_on(bench: http.Bench, disk: str, *, quick: bool) -> dict[str, list[http.Round]]:
    bench.cluster.administer(*DISKS[disk], "SELECT pg_reload_conf()")
    found = take_turns(
        list(bench.events),
        lambda kind: bench.measure(kind, n_workers=N_WORKERS, n_clients=N_CLIENTS, seconds=SECONDS),
        n_rounds=2 if quick else MIN_PAIRS,
        label=f"{disk}, {N_CLIENTS} clients",
    )
    columns = [disk, "scores/s", "x many", "± A/A", "p50 ms", "p99 ms"]
    print(table(columns, rows_of(_summary(found))), flush=True)
    return found


def _share(found: dict[str, list[http.Round]]) -> float:
    return noise(http.rates(found[MANY]), http.rates(found[MANY + http.AGAIN]))


def _figures(found: dict[str, list[http.Round]]) -> dict[str, Figure]:
    many, share = http.rates(found[MANY]), _share(found)
    return {
        "contention.one_task_over_many": Figure(ratio(http.rates(found["one task"]), many), share),
        "contention.one_player_over_many": Figure(ratio(http.rates(found["one player"]), many), share),
    }


def _summary(found: dict[str, list[http.Round]]) -> dict[str, dict[str, Any]]:
    many, share = http.rates(found[MANY]), rounded(_share(found))
    return {
        kind: {
            "scoresPerSecond": rounded(statistics.median(http.rates(rounds))),
            "xMany": rounded(ratio(http.rates(rounds), many)),
            "noise": share,
            "p50Ms": rounded(statistics.median(each.load.p50_ms for each in rounds)),
            "p99Ms": rounded(statistics.median(each.load.p99_ms for each in rounds)),
        }
        for kind, rounds in found.items()
    }
