"""Which web server serves scoring best on this machine?

The same application over the same PostgreSQL, 2 processes, 32 clients, the servers taking turns. gunicorn and uvicorn
come from bench/requirements.txt; a server that is not installed is left out, and said so. Only answers 2xx count: a
server that misses the deadline of an event is slow, not broken.
"""

import statistics
from contextlib import ExitStack
from typing import Final

from bench import stage, web, wrk
from bench.figures import MIN_PAIRS, Figure, noise, ratio, rounded
from bench.results import Findings, table
from bench.turns import take_turns

SECONDS: Final = 3
N_CLIENTS: Final = 32
FIRST: Final = "granian"
AGAIN: Final = "granian again"
SERVERS: Final = {
    FIRST: web.granian(web.SERVICE, n_workers=2),
    "gunicorn": f"gunicorn --bind 127.0.0.1:{{port}} --workers 2 --threads 4 --worker-class gthread {web.SERVICE}",
    "uvicorn": "uvicorn --host 127.0.0.1 --port {port} --workers 2 bench.asgi:application",
}


def measure(*, quick: bool) -> Findings:
    wrk.require_wrk()
    with stage.cluster() as cluster, ExitStack() as stack:
        world = stage.make_world()
        game = world.game("data", world.strategy("Data only", stage.DATA_ONLY))
        cluster.settle()
        events = wrk.Events(path=f"/api/v1/games/{game.external_id}/tasks/t%d/points", key=world.key)
        running = _start_all(stack)
        for server in running.values():
            wrk.send(server.url, events, n_clients=N_CLIENTS, seconds=SECONDS)
        names = [*running, AGAIN]
        loads = take_turns(
            names,
            lambda name: wrk.send(
                running[FIRST if name == AGAIN else name].url, events, n_clients=N_CLIENTS, seconds=SECONDS
            ),
            n_rounds=2 if quick else MIN_PAIRS,
            label=f"{len(running)} servers, {N_CLIENTS} clients",
        )
        postgresql = cluster.describe()
    commands = {name: server.command for name, server in running.items()}
    return _findings(loads, {"server": commands, "clients": N_CLIENTS, "postgresql": postgresql})


def _start_all(stack: ExitStack) -> dict[str, web.Web]:
    running = {}
    for name, command in SERVERS.items():
        if web.find(command) is None:
            print(f"left out: {name} is not installed (pip install -r bench/requirements.txt)")
        else:
            running[name] = stack.enter_context(web.serving(command))
    return running


def _findings(loads: dict[str, list[wrk.Load]], detail: dict[str, object]) -> Findings:
    rates = {name: [load.per_second for load in found] for name, found in loads.items()}
    share = noise(rates[FIRST], rates[AGAIN])
    rows = [
        [name, statistics.median(found), min(found), max(found), ratio(found, rates[FIRST])]
        for name, found in rates.items()
    ]
    print(table(["server", "scores/s", "least", "most", "x granian"], rows))
    figures = {
        f"servers.{name}_over_{FIRST}": Figure(ratio(found, rates[FIRST]), share)
        for name, found in rates.items()
        if name not in {FIRST, AGAIN}
    }
    medians = {name: rounded(statistics.median(found)) for name, found in rates.items()}
    return Findings(figures, {**detail, "scoresPerSecond": medians})
