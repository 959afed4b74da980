"""What a score costs as the ledger grows: 1 thousand, 100 thousand and 2 million rows, spread out or of one player.

In process, by the function that the API calls, through one connection to each of eight databases of one cluster, in
turn. The program names every fact, the count of the last 300 s included, and each event has an idempotency key. The
smallest ledgers are there twice: what they differ from each other is noise.

The first change of a page after a checkpoint writes the whole page to the log. A large ledger has many pages, and a
checkpoint comes once in five minutes, some hundred thousand scores: what is measured is the time between. So each ledger
takes a share of scores first, of players of their own.
"""

import random
import statistics
import time
import uuid
from dataclasses import dataclass
from typing import Any, Final

from django.db import connections

from bench import seeding, stage
from bench.figures import Figure, noise, ratio, rounded, worst
from bench.results import Findings, table
from bench.turns import take_turns
from gameproject.lib.ids import uuid7
from strategies import batch, facts, scoring
from strategies.events import Event

SIZES: Final = {"1k": 1_000, "1k again": 1_000, "100k": 100_000, "2m": 2_000_000}
LAYOUTS: Final = ("spread", "one player")
N_ROUNDS: Final = 9
N_SCORES: Final = 40  # a round: few, or the ledger of a thousand would not stay one
GAME: Final = "growth"
A_BATCH: Final = 1000
MAX_WARMING_BATCHES: Final = 40


@dataclass(frozen=True)
class Database:
    """A database, and the pairs of player and task whose events are scored in it."""

    alias: str
    pairs: list[tuple[str, str]]

    def warm(self, key: str, n_scores: int) -> None:
        """Have the pages changed that events change anywhere: by other players, and by one event of each pair's."""
        connections["default"] = connections[self.alias]
        for n in range(min(max(n_scores // A_BATCH, 1), MAX_WARMING_BATCHES)):
            batch.score_batch(
                api_key=key,
                events_in_order=[_event(f"warm{i}", "t0") for i in range(A_BATCH)],
                request_id=f"warm-{n}",
            )
        if len(set(self.pairs)) > 1:
            pairs = [_event(*pair) for pair in self.pairs]
            batch.score_batch(api_key=key, events_in_order=pairs, request_id="warm-pairs")
        self.measure(key)

    def measure(self, key: str) -> float:
        """Score a few events; return the median in milliseconds."""
        connections["default"] = connections[self.alias]
        return statistics.median(_score_ms(key, *random.choice(self.pairs)) for _ in range(N_SCORES))


def _event(player: str, task: str) -> Event:
    return Event(
        game=GAME,
        task=task,
        external_user_id=player,
        data={"minutes": 12},
        idempotency_key=str(uuid.uuid4()),
    )


def _score_ms(key: str, player: str, task: str) -> float:
    event, request_id = _event(player, task), str(uuid7())
    began_at = time.perf_counter()
    scoring.score(api_key=key, event=event, request_id=request_id)
    return (time.perf_counter() - began_at) * 1000


def every_fact() -> dict[str, object]:
    """Write a program that names each fact of the language, and one value of the event's data."""
    return {
        "type": "program",
        "id": "every-fact",
        "rules": [_rule(n, path) for n, path in enumerate([*facts.FACTS, "data.minutes"])],
        "default": {
            "type": "assign_points",
            "value": {"type": "literal", "value": 1},
            "case_name": "default",
        },
    }


def _rule(n: int, path: str) -> dict[str, object]:
    unlikely = "nobody" if path.startswith("external") else -1
    is_text_or_number = {
        "type": "compare",
        "op": "==",
        "left": {"type": "field", "path": path},
        "right": {"type": "literal", "value": unlikely},
    }
    never = {"type": "and", "args": [{"type": "field", "path": path}, {"type": "literal", "value": False}]}
    return {
        "type": "rule",
        "id": f"rule-{n}",
        "when": never if path.startswith("event.is_") else is_text_or_number,
        "then": [{"type": "assign_points", "value": {"type": "literal", "value": 2}, "case_name": path}],
    }


def ledger_of(n_scores: int, layout: str) -> seeding.Ledger:
    """Spread: 20 scores a player, four on each of five tasks. One player: everything on one task."""
    if layout == "spread":
        return seeding.Ledger(n_scores, n_players=n_scores // 20, n_tasks=stage.N_TASKS, n_tasks_each=5)
    return seeding.Ledger(n_scores, n_players=1, n_tasks=1, n_tasks_each=1)


def measure(*, quick: bool) -> Findings:
    sizes = SIZES | {"2m": 200_000} if quick else SIZES
    with stage.cluster() as cluster:
        world = stage.make_world()
        game = world.game(GAME, world.strategy("Every fact", every_fact()))
        seeding.score_prototypes(world, game)
        connections.close_all()  # a database that others are connected to cannot be copied
        databases = {
            (layout, size): _make_database(cluster, game, ledger_of(n_scores, layout), f"{layout}, {size}")
            for layout in LAYOUTS
            for size, n_scores in sizes.items()
        }
        cluster.settle(*(database.alias for database in databases.values()))
        with stage.patience():
            for (_layout, size), database in databases.items():
                database.warm(world.key, sizes[size] // 4)
            medians = take_turns(
                list(databases),
                lambda name: databases[name].measure(world.key),
                n_rounds=3 if quick else N_ROUNDS,
                label=f"scores, {N_SCORES} each",
            )
        postgresql = cluster.describe()
    return _findings(medians, postgresql)


def _make_database(cluster: stage.Cluster, game: Any, ledger: seeding.Ledger, label: str) -> Database:
    name = "growth_" + label.replace(", ", "_").replace(" ", "_")
    cluster.administer(f"CREATE DATABASE {name} TEMPLATE gameproject OWNER gameproject STRATEGY file_copy")
    seeding.seed(cluster.postgres.url_of(name, role="gameproject"), [game], ledger, label=label)
    connections.databases[name] = {**connections.databases["default"], "NAME": name}
    numbers = random.Random(1).choices(range(ledger.n_players), k=1000)
    pairs = [
        (f"p{player}", f"t{(player + n % ledger.n_tasks_each) % ledger.n_tasks}")
        for n, player in enumerate(numbers)
    ]
    return Database(name, pairs)


def _findings(medians: dict[tuple[str, str], list[float]], postgresql: dict[str, Any]) -> Findings:
    growth: dict[str, Figure] = {}
    rows: list[tuple[str, float, float]] = []
    for layout in LAYOUTS:
        small, again = medians[layout, "1k"], medians[layout, "1k again"]
        growth[layout] = Figure(ratio(medians[layout, "2m"], small), noise(small, again))
        for (where, size), values in medians.items():
            if where == layout:
                rows.append((f"{layout}, {size}", statistics.median(values), ratio(values, small)))
    print(table(["p50 of a score", "ms", "x 1k"], rows))
    detail = {
        "postgresql": postgresql,
        "server": "none: scoring.score in process, one connection a database",
        "p50Ms": {name: rounded(median) for name, median, _ in rows},
        "p50Over1k": {name: rounded(share) for name, _, share in rows},
    }
    return Findings({"growth.p50_2m_over_1k": worst(growth.values(), of=max)}, detail)
