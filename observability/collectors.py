"""Figures that people decide on, read from the database and the broker when somebody scrapes.

Each group is read at most once in its time, whoever asks, within a second or two; what cannot be read is absent, since
a 0 would be a lie.
"""

import threading
import time
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import Any, Final, LiteralString

import redis
from django.conf import settings
from django.db import Error
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from psycopg import sql

from gameproject.lib import clock
from gameproject.lib.ids import lowest_uuid7
from observability import health, partitions, trace_messages
from observability.figures import figure
from strategies.metrics import MAX_STRATEGIES

FRESH_SECONDS: Final = 15.0
QUERY_SECONDS: Final = 2.0
STATES: Final = ("active", "idle", "idle in transaction", "idle in transaction (aborted)", "other")

BUILD: Final = figure("scoring_build_info", "Always 1.", "version", "environment")
DEPENDENCY_UP: Final = figure(
    "scoring_dependency_up",
    "1 or 0 for `database`, `broker`, `worker` and `beat`; the last two by the heartbeat.",
    "dependency",
)
QUEUE_LENGTH: Final = figure("scoring_queue_length", "Messages that wait for a worker.", "queue")
TRACES_WAITING: Final = figure("dsl_execution_log_queue_length", "Messages of traces that wait.")
TRACES_LIMIT: Final = figure("dsl_execution_log_queue_limit", "How many may wait.")
CONNECTIONS: Final = figure(
    "scoring_db_connections", "Connections to this database by what they do.", "state"
)
CONNECTIONS_MAX: Final = figure(
    "scoring_db_connections_max", "How many PostgreSQL takes, of all its databases."
)
WITHOUT_PRODUCTION: Final = figure(
    "scoring_strategies_without_production",
    "Strategies that games or open tasks use and that cannot score: archived, or without a production version. "
    "Read from the database.",
)
LAST_PUBLISHED: Final = figure(
    "scoring_strategy_last_published_timestamp_seconds",
    "When a version was last put into production, by publishing or by rolling back; of the 200 strategies where that is "
    "newest. Read from the database.",
    "strategy",
)
DEFAULT_PARTITION: Final = figure(
    "scoring_default_partition_occupied",
    "1 where a partitioned table's default partition holds rows.",
    "table",
)
ACTIVE_PLAYERS: Final = figure(
    "scoring_active_players",
    "Players with a score in the last `24h`, test events aside. Read from the database every 5 minutes; absent where "
    "that takes longer than 2 s.",
    "window",
)

Read = Callable[[], Sequence[Metric]]


class Cached:
    """What was read last, for as long as it counts as fresh. Two who ask at the same time read once."""

    def __init__(
        self, read: Read, *, seconds: float = FRESH_SECONDS, timer: Callable[[], float] = time.monotonic
    ) -> None:
        self._read, self._seconds, self._timer = read, seconds, timer
        self._lock = threading.Lock()
        self._found: Sequence[Metric] = ()
        self._read_at = float("-inf")

    def __call__(self) -> Sequence[Metric]:
        with self._lock:
            if self._timer() - self._read_at >= self._seconds:
                self._found, self._read_at = self._try(), self._timer()
            return self._found

    def _try(self) -> Sequence[Metric]:
        try:
            return self._read()
        except (Error, redis.RedisError, OSError):
            return ()


_of_other_apps: list[Read] = []


def tell_also(read: Read) -> None:
    """Add a group of an app that this one does not know. To be called when Django is set up."""
    _of_other_apps.append(read)


class Figures(Collector):
    """All groups, one after the other."""

    def __init__(self) -> None:
        self._groups = [
            Cached(build),
            Cached(dependencies),
            Cached(queues),
            Cached(connections),
            Cached(strategies_without_production),
            Cached(last_published),
            Cached(default_partitions),
            # It reads a day of scores' index: seconds on a ledger that grows by millions a day, absent beyond.
            Cached(active_players, seconds=300),
            *(Cached(read) for read in _of_other_apps),
        ]

    def collect(self) -> Iterable[Metric]:
        return [metric for group in self._groups for metric in group()]


def build() -> list[Metric]:
    return [BUILD.of({(settings.VERSION, settings.SENTRY_ENVIRONMENT): 1})]


def dependencies() -> list[Metric]:
    return [DEPENDENCY_UP.of({(check.name,): float(check.ok) for check in health.all_checks()})]


def queues() -> list[Metric]:
    names = (
        settings.CELERY_TASK_DEFAULT_QUEUE,
        *(each["queue"] for each in settings.CELERY_TASK_ROUTES.values()),
    )
    with health.client() as client:
        waiting: dict[tuple[str, ...], float] = {(name,): int(client.llen(name)) for name in names}
    return [
        QUEUE_LENGTH.of(waiting),
        TRACES_WAITING.of({(): waiting[trace_messages.QUEUE,]}),
        TRACES_LIMIT.of({(): settings.DSL_EXECUTION_LOG_QUEUE_MAXSIZE}),
    ]


def connections() -> list[Metric]:
    rows = query(
        "SELECT coalesce(state, 'other'), count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() GROUP BY 1"
    )
    by_state = {name if name in STATES else "other": n for name, n in rows}
    ((most,),) = query("SELECT current_setting('max_connections')::int")
    return [
        CONNECTIONS.of({(state,): by_state.get(state, 0) for state in STATES}),
        CONNECTIONS_MAX.of({(): most}),
    ]


def strategies_without_production() -> list[Metric]:
    """Count strategies that games or open tasks use, and that score nothing: each of their events is refused."""
    ((n_strategies,),) = query(
        """
        SELECT count(*) FROM strategies_strategy s
        WHERE (EXISTS (SELECT FROM strategies_game g WHERE g.strategy_id = s.id)
               OR EXISTS (SELECT FROM strategies_task t WHERE t.strategy_id = s.id AND t.status = 'open'))
          AND (s.archived_at IS NOT NULL
               OR NOT EXISTS (SELECT FROM strategies_alias a WHERE a.strategy_id = s.id AND a.name = 'production'))
        """
    )
    return [WITHOUT_PRODUCTION.of({(): n_strategies})]


def last_published() -> list[Metric]:
    """Tell when production last moved, for the newest moves; of strategies of the same name, the latest."""
    rows = query(
        sql.SQL(
            """
            SELECT s.slug, extract(epoch FROM max(a.moved_at))::float8
            FROM strategies_alias a JOIN strategies_strategy s ON s.id = a.strategy_id
            WHERE a.name = 'production' GROUP BY 1 ORDER BY 2 DESC LIMIT {}
            """
        ).format(MAX_STRATEGIES)
    )
    return [LAST_PUBLISHED.of({(slug,): seconds for slug, seconds in rows})]


def default_partitions() -> list[Metric]:
    """Tell which default partitions hold rows: nothing of them leaves by age (observability/partitions.py)."""
    names = [each.table for each in partitions.TABLES]
    looks = [sql.SQL("EXISTS (SELECT FROM {})").format(sql.Identifier(f"{name}_default")) for name in names]
    (row,) = query(sql.SQL("SELECT {}").format(sql.SQL(", ").join(looks)))
    return [
        DEFAULT_PARTITION.of(
            {(name,): float(is_occupied) for name, is_occupied in zip(names, row, strict=True)}
        )
    ]


def active_players() -> list[Metric]:
    since = lowest_uuid7(clock.now() - timedelta(hours=24))
    ((n_players,),) = query(
        "SELECT count(DISTINCT player_id) FROM strategies_score WHERE id >= %s AND NOT is_test", [since]
    )
    return [ACTIVE_PLAYERS.of({("24h",): n_players})]


def query(
    statement: LiteralString | sql.Composed, parameters: Sequence[uuid.UUID] = ()
) -> list[tuple[Any, ...]]:
    with health.short_connection(QUERY_SECONDS) as probe, probe.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
