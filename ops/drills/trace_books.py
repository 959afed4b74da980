"""The books of traces: offered = persisted + dropped + waiting + unconfirmed, to the row.

`offered` and `dropped` are the counters of all web processes and of the worker, of those too that were killed, whose
files stay. What is persisted is looked for in the table, what waits in the queue and among what workers have taken and
not acknowledged, by the ids that the load's clients were given. What was sent to a broker that gave no answer is named
in the log of the web processes.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector
from redis import Redis

from ops.drills.open_loop import Answer
from ops.drills.service import Service

QUEUE: Final = "traces"
UNACKNOWLEDGED: Final = "unacked"
UNCONFIRMED: Final = re.compile(r"\d+ traces unconfirmed of request ([\w.-]+)")


@dataclass(frozen=True)
class Counts:
    """The counters of all processes, at a moment."""

    offered: float
    dropped: Counter[str]
    unconfirmed: float


def count(folder: Path) -> Counts:
    """Read the figures that processes share in a folder."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(folder))  # type: ignore[no-untyped-call]  # it has no types
    offered, dropped, unconfirmed = 0.0, Counter[str](), 0.0
    for metric in registry.collect():
        for sample in metric.samples:
            match sample.name:
                case "dsl_execution_log_offered_total":
                    offered += sample.value
                case "dsl_execution_log_dropped_total":
                    dropped[sample.labels["reason"]] += round(sample.value)
                case "dsl_execution_log_unconfirmed_total":
                    unconfirmed += sample.value
    return Counts(offered, dropped, unconfirmed)


@dataclass
class Books:
    """What became of the traces of one load; `wrong` says where it does not add up."""

    answered: int
    offered: int
    persisted: int
    dropped: dict[str, int]
    waiting: int
    unconfirmed: int  # and found nowhere
    unconfirmed_found: int
    wrong: list[str] = field(default_factory=list)


def close(
    service: Service, name: str, answers: Sequence[Answer], before: Counts, after: Counts, *, n_errors: int
) -> Books:
    """Account for every run that left, or should have left, a trace. All requests have been answered."""
    answered = {score_id for answer in answers for score_id in answer.score_ids}
    unsure = set(UNCONFIRMED.findall(service.web_log()))
    # In the order of a message's way, or one could slip through between two looks.
    with Redis.from_url(service.valkey.url) as redis:
        waiting = {row["executionId"] for row in _waiting(redis) if _is_of(row["requestId"], name)}
    stored = _stored(service, name)
    found = set(stored) | waiting
    missing = answered - found
    requests = {score_id: each.request.request_id for each in answers for score_id in each.score_ids}
    unconfirmed = {score_id for score_id in missing if requests[score_id] in unsure}
    dropped = after.dropped - before.dropped
    books = Books(
        answered=len(answered),
        offered=round(after.offered - before.offered),
        persisted=len(stored),
        dropped=dict(dropped),
        waiting=len(waiting - set(stored)),
        unconfirmed=len(unconfirmed),
        unconfirmed_found=round(after.unconfirmed - before.unconfirmed) - len(unconfirmed),
    )
    books.wrong = list(_wrong(books, stored, n_errors=n_errors))
    if len(missing - unconfirmed) > dropped.total():
        books.wrong.append(
            f"{len(missing - unconfirmed)} answered runs are missing, {dropped.total()} were dropped"
        )
    return books


def _wrong(books: Books, stored: Counter[str], *, n_errors: int) -> Iterator[str]:
    accounted = books.persisted + sum(books.dropped.values()) + books.waiting + books.unconfirmed
    if books.offered != accounted:
        yield f"{books.offered} offered, {accounted} accounted for"
    # A run that was not answered, for PostgreSQL went away in it, may be offered all the same.
    if not books.answered <= books.offered <= books.answered + n_errors:
        yield f"{books.answered} answered, {books.offered} offered, {n_errors} errors"
    if twice := [each for each, n in stored.items() if n > 1]:
        yield f"{len(twice)} executions are stored twice, such as {twice[0]}"


def _stored(service: Service, name: str) -> Counter[str]:
    """Count the rows of each execution of a load."""
    with service.connect() as connection:
        rows = connection.execute(
            "SELECT id FROM observability_strategyexecutionlog WHERE request_id LIKE %s", [f"{name}-%"]
        ).fetchall()
    return Counter(str(execution_id) for (execution_id,) in rows)


def _is_of(request_id: str, name: str) -> bool:
    return request_id.startswith(f"{name}-")


def _waiting(redis: Redis) -> Iterator[dict[str, Any]]:
    """Read the rows that wait in the queue, or are with a worker."""
    messages = [json.loads(each) for each in redis.lrange(QUEUE, 0, -1)]
    messages += [json.loads(each)[0] for each in redis.hvals(UNACKNOWLEDGED)]
    for message in messages:
        for row in json.loads(message["body"])[0][0].get("rows", []):
            yield json.loads(row)
