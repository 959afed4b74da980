"""How fast one worker stores traces: from the queue to committed rows.

Full messages of 100 rows of about 1.5 KB with a trace of 30 entries, as a batch or a storm of errors leaves them; and
messages of one row, as single events do. They wait in the queue when the clock starts, for a worker that is up and has
stored some: from the first row to the last, and its processor time (and PostgreSQL's) for each.
"""

import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from django.conf import settings
from django.db import connection
from redis import Redis

from bench import stage, workers
from bench.figures import Figure, noise, rounded
from bench.results import Findings, rows_of, table
from bench.turns import take_turns
from gameproject.lib import clock
from gameproject.lib.ids import uuid7
from observability import trace_messages
from observability.sampling import Kind
from observability.trace_rows import TraceRow

N_ENTRIES: Final = 30
N_ROUNDS: Final = 5
FULL: Final = "100 rows a message"
SINGLE: Final = "1 row a message"
AGAIN: Final = " again"
SIZES: Final = {FULL: 100, SINGLE: 1}
N_MESSAGES: Final = {FULL: 100, SINGLE: 1000}
GIVE_UP_SECONDS: Final = 120.0


@dataclass(frozen=True)
class Round:
    """What a worker did with a backlog."""

    n_rows: int
    seconds: float
    worker_cpu_seconds: float
    postgres_cpu_seconds: float

    @property
    def per_second(self) -> float:
        return self.n_rows / self.seconds


def measure(*, quick: bool) -> Findings:
    with stage.cluster() as cluster, Redis.from_url(settings.REDIS_URL) as redis, workers.running() as worker:
        backlog = Backlog(redis, cluster, worker)
        for kind in SIZES:
            backlog.measure(kind, share=0.1)  # connections, plans and partitions come first
        found = take_turns(
            [*SIZES, FULL + AGAIN],
            lambda kind: backlog.measure(kind.removesuffix(AGAIN), share=0.1 if quick else 1.0),
            n_rounds=2 if quick else N_ROUNDS,
            label="backlogs",
        )
        row_bytes, postgresql = len(row()), cluster.describe()
    summary = _summary(found)
    print(table(["", "rows/s", "worker CPU ms", "PostgreSQL CPU ms"], rows_of(summary)), flush=True)
    rates = {kind: [each.per_second for each in rounds] for kind, rounds in found.items()}
    share = noise(rates[FULL], rates[FULL + AGAIN])
    return Findings(
        {
            "traces.persisted_per_second": Figure(statistics.median(rates[FULL]), share),
            "traces.persisted_per_second_alone": Figure(statistics.median(rates[SINGLE]), share),
        },
        {
            "server": workers.COMMAND,
            "rowBytes": row_bytes,
            "traceEntries": N_ENTRIES,
            "postgresql": postgresql,
            "backlogs": summary,
        },
    )


class Backlog:
    """A queue that is filled, and emptied by a worker."""

    def __init__(self, redis: Redis, cluster: stage.Cluster, worker: workers.Worker) -> None:
        self._redis = redis
        self._cluster = cluster
        self._worker = worker

    def measure(self, kind: str, *, share: float) -> Round:
        """Let the worker store a backlog; every row must arrive."""
        n_messages = max(1, round(N_MESSAGES[kind] * share))
        waiting = list(messages(n_messages, SIZES[kind]))
        n_rows, n_before = n_messages * SIZES[kind], _n_stored()
        cpu = self._worker.cpu_seconds(), self._cluster.cpu_seconds()
        began_at = time.monotonic()
        self._redis.lpush(trace_messages.QUEUE, *waiting)
        self._wait_for(n_before + n_rows)
        return Round(
            n_rows,
            time.monotonic() - began_at,
            self._worker.cpu_seconds() - cpu[0],
            self._cluster.cpu_seconds() - cpu[1],
        )

    def _wait_for(self, n_rows: int) -> None:
        give_up_at = time.monotonic() + GIVE_UP_SECONDS
        while self._redis.llen(trace_messages.QUEUE) or _n_stored() < n_rows:
            if time.monotonic() > give_up_at:
                raise stage.StageError(f"The worker does not store what waits:\n{self._worker.log_tail()}")
            time.sleep(0.01)


def _n_stored() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM observability_strategyexecutionlog")
        return int(cursor.fetchone()[0])


def messages(n_messages: int, n_rows: int) -> Iterator[bytes]:
    """Make messages as web processes would send them."""
    for number in range(n_messages):
        (some,) = trace_messages.split([row() for _ in range(n_rows)])
        yield trace_messages.envelope(some, request_id=f"bench-{number}")


def row() -> bytes:
    return msgspec.json.encode(
        TraceRow(
            execution_id=uuid7(),
            score_id=uuid7(),
            request_id=str(uuid7()),
            created_at=clock.now(),
            **_SAME,
        )
    )


def _trace() -> msgspec.Raw:
    entries = [{"path": f"rules/{n}/when", "value": n % 3 == 0} for n in range(N_ENTRIES)]
    return msgspec.Raw(msgspec.json.encode(entries))


_ID: Final = uuid7()
_SAME: Final[dict[str, Any]] = {
    **dict.fromkeys(("realm_id", "strategy_id", "version_id", "game_id", "task_id"), _ID),
    "parent_version_id": None,
    "strategy_type": "DSL_FULL",
    "alias": "production",
    "external_user_id": "player-1234",
    "status": "ok",
    "outcome": "award",
    "code": None,
    "node_id": None,
    "path": None,
    "points": 12.5,
    "case_name": "Long",
    "duration_seconds": 0.0004,
    "nodes": N_ENTRIES,
    "facts": msgspec.Raw(b'{"user.measurements_count":12,"task.avg_time":61.5,"user.points_total":140.25}'),
    "data": msgspec.Raw(b'{"minutes":12,"device":"phone","level":7}'),
    "variables": msgspec.Raw(b'{"bonus":5,"limit":100}'),
    "trace": _trace(),
    "n_cut": 0,
    "is_test": False,
    "kind": Kind.SAMPLED,
    "weight": 20.0,
}


def _summary(found: dict[str, list[Round]]) -> dict[str, dict[str, float]]:
    return {
        kind: {
            "rowsPerSecond": rounded(statistics.median(each.per_second for each in rounds)),
            "workerCpuMs": rounded(
                statistics.median(each.worker_cpu_seconds * 1000 / each.n_rows for each in rounds)
            ),
            "postgresCpuMs": rounded(
                statistics.median(each.postgres_cpu_seconds * 1000 / each.n_rows for each in rounds)
            ),
        }
        for kind, rounds in found.items()
    }
