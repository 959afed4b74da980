"""What the leaderboard's index gives, and what it and the indexes of score lists cost a score.

A game with a million players and a ledger of 200,000 scores. Scores are written by the real path in rounds that take
turns between "as it is" (twice), without the leaderboard's index, and without the two indexes of score lists. CPU is
the database process's own: it holds on a busy machine, times do not.
"""

import random
import statistics
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final

from django.db import connection

from bench import seeding, stage
from bench.cpu import tree_seconds
from bench.figures import MIN_PAIRS, Figure, noise, ratio, rounded
from bench.results import Findings, table
from bench.turns import take_turns
from strategies import leaderboard, scoring
from strategies.events import Event
from strategies.models import Game, Player

N_PLAYERS: Final = 1_000_000
LEDGER: Final = seeding.Ledger(n_scores=200_000, n_players=20_000)
N_SCORES: Final = 2000
N_WARM_UP: Final = 300
N_READS: Final = 15
PLACES: Final = {"best hundredth": 0.01, "middle": 0.5, "last": 1.0}
AS_IT_IS: Final = "as it is"
AGAIN: Final = "as it is, again"
VARIANTS: Final[dict[str, tuple[str, ...]]] = {
    AS_IT_IS: (),
    AGAIN: (),
    "without the leaderboard's index": ("player_game_leaderboard",),
    "without the score lists' indexes": ("score_game_newest", "score_task_newest"),
}
INDEXES: Final = [name for names in VARIANTS.values() for name in names]


def sql(statement: str, parameters: Sequence[Any] = ()) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters or None)
        return cursor.fetchall() if cursor.description else []


# ── Writing ──────────────────────────────────────────────────────────────────────────────────────
class Writes:
    """Scores, written with some of the indexes."""

    def __init__(self, world: stage.World, game: Game, n_scores: int) -> None:
        self.key = world.key
        self.game = game
        self.n_scores = n_scores
        self.definitions = dict(sql("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"))
        self.backend = int(sql("SELECT pg_backend_pid()")[0][0])

    def measure(self, variant: str) -> dict[str, float]:
        self.use(VARIANTS[variant])
        for _ in range(N_WARM_UP):
            self.score()
        cpu, wal = tree_seconds(self.backend), wal_bytes()
        times = [self.score() for _ in range(self.n_scores)]
        return {
            "p50 µs": statistics.median(times) * 1e6,
            "database CPU µs": (tree_seconds(self.backend) - cpu) / self.n_scores * 1e6,
            "WAL bytes": (wal_bytes() - wal) / self.n_scores,
        }

    def use(self, dropped: tuple[str, ...]) -> None:
        """Have all indexes but those."""
        there = {name for (name,) in sql("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")}
        for name in INDEXES:
            if name in dropped and name in there:
                sql(f"DROP INDEX {name}")
            elif name not in dropped and name not in there:
                sql(self.definitions[name])

    def score(self) -> float:
        event = Event(
            game=self.game.external_id,
            task=f"t{random.randrange(stage.N_TASKS)}",
            external_user_id=f"p{random.randrange(LEDGER.n_players)}",
            data={},
        )
        began_at = time.perf_counter()
        scoring.score(api_key=self.key, event=event, request_id=str(uuid.uuid4()))
        return time.perf_counter() - began_at


def wal_bytes() -> float:
    return float(sql("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")[0][0])


# ── Reading ──────────────────────────────────────────────────────────────────────────────────────
def reads(game: Game) -> Iterator[tuple[str, Callable[[], object]]]:
    yield "first 50", partial(leaderboard.top, game, limit=50)
    yield "first 500", partial(leaderboard.top, game, limit=500)
    n_players = sql("SELECT count(*) FROM strategies_playergamestats WHERE game_id = %s", [game.pk])[0][0]
    for name, share in PLACES.items():
        ((player_id,),) = sql(
            "SELECT player_id FROM strategies_playergamestats WHERE game_id = %s "
            "ORDER BY points_total DESC, player_id OFFSET %s LIMIT 1",
            [game.pk, int((n_players - 1) * share)],
        )
        yield f"around, {name}", partial(leaderboard.around, game, Player.objects.get(pk=player_id), limit=50)


def measure_reads(game: Game, state: str) -> dict[str, Figure]:
    """Return the median milliseconds of each read, and by how much its halves in turn differ."""
    found = {}
    for name, call in reads(game):
        times = [_milliseconds(call) for _ in range(2 * N_READS)]
        found[f"{name}; {state}"] = Figure(statistics.median(times), noise(times[::2], times[1::2]))
    return found


def _milliseconds(call: Callable[[], object]) -> float:
    began_at = time.perf_counter()
    call()
    return (time.perf_counter() - began_at) * 1000


# ── The section ──────────────────────────────────────────────────────────────────────────────────
def measure(*, quick: bool) -> Findings:
    with stage.cluster() as cluster:
        world = stage.make_world()
        game = world.game("data", world.strategy("Data only", stage.DATA_ONLY))
        _fill(cluster, world, game, n_players=N_PLAYERS // 20 if quick else N_PLAYERS)
        found = measure_reads(game, "vacuumed")
        sql("UPDATE strategies_playergamestats SET points_total = points_total + 1 WHERE random() < 0.04")
        found |= measure_reads(game, "4 % changed")  # autovacuum comes at 5 %
        cluster.settle()
        with stage.patience():
            writer = Writes(world, game, 200 if quick else N_SCORES)
            writes = take_turns(
                list(VARIANTS), writer.measure, n_rounds=2 if quick else MIN_PAIRS, label="scores, in turn"
            )
            writer.use(VARIANTS[AS_IT_IS])  # the last turn may have gone without an index
        sql("UPDATE strategies_playergamestats SET points_total = 5")
        cluster.settle()
        found |= measure_reads(game, "all the same points")
        return _findings(found, writes, {"server": "none: in process", "postgresql": cluster.describe()})


def _fill(cluster: stage.Cluster, world: stage.World, game: Game, *, n_players: int) -> None:
    seeding.score_prototypes(world, game)
    seeding.seed(cluster.postgres.url, [game], LEDGER, label="ledger")
    sql(
        "INSERT INTO strategies_player (id, realm_id, external_id) "
        "SELECT uuidv7(), %s, 'p' || n FROM generate_series(%s, %s) n",
        [world.realm.pk, LEDGER.n_players, n_players - 1],
    )
    sql(
        "INSERT INTO strategies_playergamestats (realm_id, game_id, player_id, n_scores, points_total, streak_days) "
        "SELECT realm_id, %s, id, 10, floor(exp(random() * 9)), 1 FROM strategies_player ON CONFLICT DO NOTHING",
        [game.pk],
    )
    cluster.settle()


def _findings(
    found: dict[str, Figure], writes: dict[str, list[dict[str, float]]], detail: dict[str, object]
) -> Findings:
    print(table(["list", "ms"], list(found.items())))
    medians = {
        variant: {name: statistics.median(each[name] for each in rounds) for name in rounds[0]}
        for variant, rounds in writes.items()
    }
    print(table(["one score", *medians[AS_IT_IS]], [[name, *row.values()] for name, row in medians.items()]))
    cpu = {variant: [each["database CPU µs"] for each in rounds] for variant, rounds in writes.items()}
    cost = ratio(cpu[AS_IT_IS], cpu["without the leaderboard's index"])
    slowest = max(found.values(), key=lambda figure: figure.value)
    figures = {
        "leaderboard.slowest_ms": slowest,
        "leaderboard.score_cpu_over_without_index": Figure(cost, noise(cpu[AS_IT_IS], cpu[AGAIN])),
    }
    reads_ms = {name: rounded(figure.value) for name, figure in found.items()}
    writes_rounded = {
        name: {key: rounded(value) for key, value in row.items()} for name, row in medians.items()
    }
    return Findings(figures, {**detail, "readsMs": reads_ms, "writes": writes_rounded})
