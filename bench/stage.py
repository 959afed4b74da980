"""The servers that a section measures on: private, with the defaults of production, and with a realm to score in."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connection, connections
from django.test import override_settings

from bench.cpu import tree_seconds
from ops.local.postgres import NAME, Postgres
from ops.local.testing import test_servers
from strategies import dsl, keys, publishing
from strategies.models import Game, Realm, Strategy, Task
from strategies.models.tenancy import Scope

DURABILITY: Final = ("fsync", "synchronous_commit", "full_page_writes")
TOLD: Final = (*DURABILITY, "shared_buffers", "max_wal_size", "commit_delay", "commit_siblings", "autovacuum")
N_TASKS: Final = 100

DATA_ONLY: Final = {
    "type": "program",
    "id": "data-only",
    "rules": [
        {
            "type": "rule",
            "id": "long",
            "when": {
                "type": "compare",
                "op": ">",
                "left": {"type": "field", "path": "data.minutes"},
                "right": {"type": "literal", "value": 10},
            },
            "then": [
                {"type": "assign_points", "value": {"type": "literal", "value": 5}, "case_name": "Long"}
            ],
        }
    ],
    "default": {"type": "assign_points", "value": {"type": "literal", "value": 1}, "case_name": "Short"},
}


class StageError(Exception):
    """The servers are not what a section may be measured on."""


@dataclass(frozen=True)
class Cluster:
    """A running PostgreSQL with the service's schema."""

    postgres: Postgres

    def cpu_seconds(self) -> float:
        return tree_seconds(int((self.postgres.data / "postmaster.pid").read_text().split("\n", 1)[0]))

    def administer(self, *statements: str, database: str = "postgres") -> None:
        """Run statements that only a superuser may, each in a transaction of its own."""
        with psycopg.connect(self.postgres.url_of(database), autocommit=True) as superuser:
            for statement in statements:
                superuser.execute(statement)

    def begin_loading(self) -> None:
        """Spare the filling of tables a checkpoint every gigabyte, until `settle`."""
        self.administer("ALTER SYSTEM SET max_wal_size = '32GB'", "SELECT pg_reload_conf()")

    def settle(self, *databases: str) -> None:
        """Let no vacuum, plan made on an empty table or checkpoint be left for the measurement."""
        for database in databases or [NAME]:
            self.administer("VACUUM (ANALYZE)", database=database)
        self.administer("ALTER SYSTEM RESET max_wal_size", "SELECT pg_reload_conf()", "CHECKPOINT")

    def describe(self) -> dict[str, Any]:
        return {"version": Postgres.version(), **{name: _shown(name) for name in TOLD}}


@contextmanager
def cluster() -> Iterator[Cluster]:
    """Start PostgreSQL and Valkey for this process alone, with the schema. Raises StageError."""
    postgres = test_servers.servers.get("DATABASE_URL")
    if not isinstance(postgres, Postgres):
        raise StageError(
            "DATABASE_URL is set. The bench fills and reconfigures servers of its own: unset it."
        )
    try:
        test_servers.start()
        call_command("migrate", verbosity=0)
        require_durability()
        started = Cluster(postgres)
        started.begin_loading()
        yield started
    finally:
        connections.close_all()
        test_servers.stop()


@contextmanager
def patience() -> Iterator[None]:
    """Let a score in this process take its time: a disk that stalls moves no median, but would end a section."""
    with override_settings(SCORING_DEADLINE_SECONDS=30.0, REQUEST_DEADLINE_SECONDS=30.0):
        yield


def describe_service() -> dict[str, object]:
    """Say what the service that is measured is set to."""
    return {
        "throttling": f"{'on' if settings.THROTTLING_ENABLED else 'OFF'}; the key's own rates are unlimited",
        "deadlineSeconds": settings.SCORING_DEADLINE_SECONDS,
        "observers": settings.STRATEGY_OBSERVERS,
    }


def require_durability() -> None:
    """Refuse a server that may lose what it has confirmed: a score that is not kept costs nothing."""
    for name in DURABILITY:
        if (value := _shown(name)) != "on":
            raise StageError(f"PostgreSQL's {name} is {value}: a score must survive a power cut.")


def _shown(name: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting(%s)", [name])
        return str(cursor.fetchone()[0])


def n_active() -> int:
    """Count the statements that others are waiting for."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' "
            "AND state <> 'idle' AND pid <> pg_backend_pid()"
        )
        return int(cursor.fetchone()[0])


# ── The realm ────────────────────────────────────────────────────────────────────────────────────
@dataclass(frozen=True)
class World:
    """A realm, and a key without limits: throttling is on, and asked, but never refuses it."""

    realm: Realm
    key: str

    def game(self, external_id: str, strategy: Strategy) -> Game:
        """Make a game with tasks t0 to t99."""
        game = Game.objects.create(
            realm=self.realm, external_id=external_id, platform="bench", strategy=strategy
        )
        tasks = [Task(realm=self.realm, game=game, external_id=f"t{n}") for n in range(N_TASKS)]
        Task.objects.bulk_create(tasks)
        return game

    def strategy(self, name: str, program: object) -> Strategy:
        """Publish a program."""
        draft = publishing.create_strategy(
            realm=self.realm, name=name, description="", kind=dsl.Kind.FULL, parent=None, program=program
        )
        return publishing.publish_strategy(strategy=draft.strategy).strategy


def make_world() -> World:
    realm = Realm.objects.create(slug="bench", name="Bench")
    _row, key = keys.create_api_key(realm=realm, name="bench", scopes=Scope.values, key_rate=0, player_rate=0)
    return World(realm, key)


def default_strategy() -> Strategy:
    """Return the built-in strategy that reads the figures of the player and of the task."""
    return Strategy.objects.get(realm=None, slug="default")
