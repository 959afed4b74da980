"""What the leaderboard's index gives, and what it and the indexes of score lists cost a score.

    make bench SECTION=leaderboard

A private PostgreSQL; a game with a million players and a ledger of 200,000 scores. Scores are written by the
real path in rounds that take turns between "as it is", without the leaderboard's index, and without the two
indexes of score lists. CPU is the database process's own (/proc): it holds on a busy machine, times do not.
"""

import os
import random
import statistics
import time
import uuid
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

import django
from django.core.management import call_command
from django.db import connection

from ops.local.testing import test_servers

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gameproject.settings")
django.setup()

from strategies import keys, leaderboard, scoring, targets  # noqa: E402  # models need the set-up
from strategies.events import Event  # noqa: E402
from strategies.models import Game, Player, Realm, Strategy, Task  # noqa: E402
from strategies.models.tenancy import Scope  # noqa: E402

N_PLAYERS: Final = 1_000_000
N_ROUNDS: Final = 4
N_SCORES: Final = 2000
N_WARM_UP: Final = 300
N_LEDGER: Final = 200_000
N_TASKS: Final = 20

VARIANTS: Final = {
    "as it is": (),
    "without the leaderboard's index": ("player_game_leaderboard",),
    "without the score lists' indexes": ("score_game_newest", "score_task_newest"),
}


class Bench:
    """A game full of players, and a connection to look at it."""

    def __init__(self, n_players: int) -> None:
        self.n_players = n_players
        realm = Realm.objects.create(slug="bench", name="bench")
        _row, self.key = keys.create_api_key(
            realm=realm, name="bench", scopes=Scope.values, key_rate=0, player_rate=0
        )
        strategy = Strategy.objects.get(realm=None, slug="default")
        self.game = Game.objects.create(realm=realm, external_id="g", platform="bench", strategy=strategy)
        for n in range(N_TASKS):
            Task.objects.create(realm=realm, game=self.game, external_id=f"t{n}")
        self.players = random.Random(1).sample(range(n_players), min(20_000, n_players))
        self.sql(
            "INSERT INTO strategies_player (id, realm_id, external_id) "
            "SELECT gen_random_uuid(), %s, 'p' || n FROM generate_series(0, %s - 1) n",
            [realm.pk, n_players],
        )
        self.sql(
            "INSERT INTO strategies_playergamestats "
            "(realm_id, game_id, player_id, n_scores, points_total, streak_days) "
            "SELECT %s, %s, id, 10, floor(exp(random() * 9)), 1 FROM strategies_player",
            [realm.pk, self.game.pk],
        )
        self.score()
        self.sql(
            "INSERT INTO strategies_score SELECT copy.* FROM strategies_score s, "
            "strategies_task t, generate_series(1, %s) n, jsonb_populate_record(s::strategies_score, "
            "jsonb_build_object('id', gen_random_uuid(), 'game_id', t.game_id, 'task_id', t.id, 'alias', n)) copy",
            [N_LEDGER // N_TASKS],
        )
        self.sql("VACUUM ANALYZE")
        self.definitions: dict[str, str] = dict(
            self.sql("SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'")
        )
        self.backend = int(self.sql("SELECT pg_backend_pid()")[0][0])
        targets.forget_all()

    def sql(self, statement: str, parameters: list[Any] | None = None) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(statement, parameters)
            return cursor.fetchall() if cursor.description else []

    def score(self) -> None:
        event = Event(
            game="g",
            task=f"t{random.randrange(N_TASKS)}",
            external_user_id=f"p{random.choice(self.players)}",
            data={},
        )
        scoring.score(api_key=self.key, event=event, request_id=str(uuid.uuid4()))

    def use(self, dropped: tuple[str, ...]) -> None:
        """Have all indexes but those."""
        there = {name for (name,) in self.sql("SELECT indexname FROM pg_indexes WHERE schemaname = 'public'")}
        for name in {name for names in VARIANTS.values() for name in names}:
            if name in dropped and name in there:
                self.sql(f"DROP INDEX {name}")
            elif name not in dropped and name not in there:
                self.sql(self.definitions[name])

    def measure(self) -> dict[str, float]:
        for _ in range(N_WARM_UP):
            self.score()
        cpu, wal = self.backend_cpu_seconds(), self.wal_bytes()
        times = []
        for _ in range(N_SCORES):
            started = time.perf_counter()
            self.score()
            times.append(time.perf_counter() - started)
        return {
            "p50 µs": statistics.median(times) * 1e6,
            "database CPU µs": (self.backend_cpu_seconds() - cpu) / N_SCORES * 1e6,
            "WAL bytes": (self.wal_bytes() - wal) / N_SCORES,
        }

    def backend_cpu_seconds(self) -> float:
        fields = Path(f"/proc/{self.backend}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def wal_bytes(self) -> float:
        return float(self.sql("SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn")[0][0])


def show_writes(bench: Bench) -> None:
    found: dict[str, list[dict[str, float]]] = {name: [] for name in VARIANTS}
    for _ in range(N_ROUNDS):
        for name in random.sample(list(VARIANTS), len(VARIANTS)):
            bench.use(VARIANTS[name])
            found[name].append(bench.measure())
    bench.use(())
    print(f"\nOne score, median of {N_ROUNDS} rounds of {N_SCORES}:")
    for name, rounds in found.items():
        medians = {key: statistics.median(each[key] for each in rounds) for key in rounds[0]}
        print(f"  {name:34}" + "  ".join(f"{key} {value:7.0f}" for key, value in medians.items()))


def show_reads(bench: Bench, label: str) -> None:
    def show(name: str, call: Callable[[], object]) -> None:
        times = []
        for _ in range(15):
            started = time.perf_counter()
            call()
            times.append((time.perf_counter() - started) * 1000)
        print(f"  {name:34}p50 {statistics.median(times):7.2f} ms  worst {max(times):7.2f} ms")

    print(f"\n{bench.n_players:,} players, {label}:")
    show("first 50", lambda: leaderboard.top(bench.game, limit=50))
    show("first 500", lambda: leaderboard.top(bench.game, limit=500))
    for share, name in [(0.01, "best hundredth"), (0.5, "middle"), (1.0, "last")]:
        place = int((bench.n_players - 1) * share)
        ((player_id,),) = bench.sql(
            "SELECT player_id FROM strategies_playergamestats WHERE game_id = %s "
            f"ORDER BY points_total DESC, player_id OFFSET {place} LIMIT 1",
            [bench.game.pk],
        )
        player = Player.objects.get(pk=player_id)
        show(f"around, {name}", partial(leaderboard.around, bench.game, player, limit=50))


def main() -> None:
    test_servers.start()
    try:
        call_command("migrate", verbosity=0)
        bench = Bench(N_PLAYERS)
        show_reads(bench, "vacuumed")
        bench.sql(
            "UPDATE strategies_playergamestats SET points_total = points_total + 1 WHERE random() < 0.04"
        )
        show_reads(bench, "4 % changed since the last vacuum (autovacuum comes at 5 %)")
        bench.sql("VACUUM ANALYZE strategies_playergamestats")
        show_writes(bench)
        bench.sql("UPDATE strategies_playergamestats SET points_total = 5")
        bench.sql("VACUUM ANALYZE strategies_playergamestats")
        show_reads(bench, "all with the same points")
    finally:
        test_servers.stop()


if __name__ == "__main__":
    main()
