"""What the world may know of a run, and how it is told.

`strategies` does not know who watches: `STRATEGY_OBSERVERS` names observers by dotted path.
"""

import functools
import logging
import uuid
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Literal, Protocol, get_args

import msgspec
from django.conf import settings
from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from strategies import metrics

logger = logging.getLogger(__name__)

EXECUTION_FORMAT = 1

Status = Literal["ok", "error", "timeout", "limit"]
STATUSES: tuple[Status, ...] = get_args(Status)


class Execution(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a strategy, as observers see it. Times in UTC, durations in seconds.

    `event_name` is the same when the event is sent again: its idempotency key, or the request id and its place in a
    batch. Facts, data (masked) and variables are what the program was given: with the version, enough to run it again.
    """

    execution_id: uuid.UUID
    score_id: uuid.UUID | None
    request_id: str
    event_name: str
    realm_id: uuid.UUID
    realm: str
    strategy_id: uuid.UUID
    strategy: str
    strategy_type: str
    version_id: uuid.UUID
    version: int
    parent_version_id: uuid.UUID | None
    alias: str
    game_id: uuid.UUID
    task_id: uuid.UUID
    external_user_id: str
    status: Status
    outcome: str | None
    code: str | None
    node_id: str | None
    path: str | None
    points: float | None
    case_name: str | None
    nodes: int
    duration_seconds: float
    facts: Mapping[str, object]
    data: Mapping[str, object]
    variables: Mapping[str, object]
    is_test: bool
    created_at: datetime
    format: int = EXECUTION_FORMAT


class Observer(Protocol):
    """Is told of every run, after its transaction. Must be quick; what it raises is logged, never felt."""

    def record(self, execution: Execution) -> None: ...


@functools.cache
def observers() -> tuple[Observer, ...]:
    return tuple(import_string(path)() for path in settings.STRATEGY_OBSERVERS)


def notify(execution: Execution) -> None:
    """Count a run and tell every observer; one that fails stops neither the others nor the request."""
    notify_all([execution])


def notify_all(executions: Sequence[Execution]) -> None:
    """Do so for the runs of a batch, in their order."""
    metrics.scored(map(_counted, executions))
    for observer in observers():
        for execution in executions:
            try:
                observer.record(execution)
            except Exception:
                logger.exception("observer %s failed", type(observer).__name__)


def _counted(run: Execution) -> metrics.Counted:
    points = 0.0 if run.is_test or run.points is None else run.points  # a test's points are in nobody's sum
    return metrics.Counted(run.strategy, run.alias, run.outcome or "error", points, run.case_name)


def _forget_observers(*, setting: str, **_: object) -> None:
    if setting == "STRATEGY_OBSERVERS":
        observers.cache_clear()


setting_changed.connect(_forget_observers)
