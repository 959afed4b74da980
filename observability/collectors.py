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
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector
from psycopg import sql

from gameproject.lib import clock
from gameproject.lib.ids import lowest_uuid7
from observability import health, partitions, trace_messages

FRESH_SECONDS: Final = 15.0
QUERY_SECONDS: Final = 2.0
STATES: Final = ("active", "idle", "idle in transaction", "idle in transaction (aborted)", "other")

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
            Cached(default_partitions),
            # It reads a day of scores' index: seconds on a ledger that grows by millions a day, absent beyond.
            Cached(active_players, seconds=300),
            *(Cached(read) for read in _of_other_apps),
        ]

    def collect(self) -> Iterable[Metric]:
        return [metric for group in self._groups for metric in group()]


def build() -> list[Metric]:
    found = gauge("scoring_build_info", "The release that answers; always 1.", "version", "environment")
    found.add_metric([settings.VERSION, settings.SENTRY_ENVIRONMENT], 1)
    return [found]


def dependencies() -> list[Metric]:
    found = gauge("scoring_dependency_up", "Whether what the service needs is there.", "dependency")
    for check in health.all_checks():
        found.add_metric([check.name], float(check.ok))
    return [found]


def queues() -> list[Metric]:
    lengths = gauge("scoring_queue_length", "Messages that wait for a worker.", "queue")
    names = (
        settings.CELERY_TASK_DEFAULT_QUEUE,
        *(each["queue"] for each in settings.CELERY_TASK_ROUTES.values()),
    )
    with health.client() as client:
        waiting = {name: int(client.llen(name)) for name in names}
    for name, n_messages in waiting.items():
        lengths.add_metric([name], n_messages)
    length = gauge("dsl_execution_log_queue_length", "Messages of traces that wait.")
    length.add_metric([], waiting[trace_messages.QUEUE])
    limit = gauge("dsl_execution_log_queue_limit", "How many may wait; the next one is dropped.")
    limit.add_metric([], settings.DSL_EXECUTION_LOG_QUEUE_MAXSIZE)
    return [lengths, length, limit]


def connections() -> list[Metric]:
    rows = query(
        "SELECT coalesce(state, 'other'), count(*) FROM pg_stat_activity "
        "WHERE datname = current_database() GROUP BY 1"
    )
    by_state = {name if name in STATES else "other": n for name, n in rows}
    open_now = gauge("scoring_db_connections", "Connections to the database, by what they do.", "state")
    for state in STATES:
        open_now.add_metric([state], by_state.get(state, 0))
    most = gauge("scoring_db_connections_max", "Connections that PostgreSQL takes, of all its databases.")
    ((value,),) = query("SELECT current_setting('max_connections')::int")
    most.add_metric([], value)
    return [open_now, most]


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
    found = gauge("scoring_strategies_without_production", "Strategies in use that cannot score.")
    found.add_metric([], n_strategies)
    return [found]


def default_partitions() -> list[Metric]:
    """Tell which default partitions hold rows: nothing of them leaves by age (observability/partitions.py)."""
    names = [each.table for each in partitions.TABLES]
    looks = [sql.SQL("EXISTS (SELECT FROM {})").format(sql.Identifier(f"{name}_default")) for name in names]
    (row,) = query(sql.SQL("SELECT {}").format(sql.SQL(", ").join(looks)))
    found = gauge("scoring_default_partition_occupied", "Whether rows are where no day takes them.", "table")
    for name, is_occupied in zip(names, row, strict=True):
        found.add_metric([name], float(is_occupied))
    return [found]


def active_players() -> list[Metric]:
    since = lowest_uuid7(clock.now() - timedelta(hours=24))
    ((n_players,),) = query(
        "SELECT count(DISTINCT player_id) FROM strategies_score WHERE id >= %s AND NOT is_test", [since]
    )
    found = gauge("scoring_active_players", "Players with a score, test events aside.", "window")
    found.add_metric(["24h"], n_players)
    return [found]


def gauge(name: str, meaning: str, *labels: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, labels=labels)


def query(
    statement: LiteralString | sql.Composed, parameters: Sequence[uuid.UUID] = ()
) -> list[tuple[Any, ...]]:
    with health.short_connection(QUERY_SECONDS) as probe, probe.cursor() as cursor:
        cursor.execute(statement, parameters)
        return list(cursor.fetchall())
