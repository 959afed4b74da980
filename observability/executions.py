"""Stored executions, read: with names where names are left, and by ids that say which days to look at."""

import uuid
from typing import Final

from django.db.models import F, Model, OuterRef, QuerySet, Subquery

from gameproject.lib.errors import NotFound
from gameproject.lib.ids import time_of
from gameproject.lib.windows import CLOCKS_DIFFER_BY
from observability.models import StrategyExecutionLog
from strategies.models import Game, Realm, Strategy, StrategyVersion, Task

LARGE: Final = ("facts", "data", "variables", "trace")
SAMPLES_KEPT_DAYS: Final = 30


def with_names(rows: QuerySet[StrategyExecutionLog]) -> QuerySet[StrategyExecutionLog]:
    """Read the names of what a row is about. Not by joins: a task without scores may be gone, the row is not."""
    return rows.annotate(
        realm_slug=_name(Realm, "slug", "realm_id"),
        strategy_slug=_name(Strategy, "slug", "strategy_id"),
        version_number=_name(StrategyVersion, "number", "strategy_version_id"),
        game_name=_name(Game, "external_id", "game_id"),
        task_name=_name(Task, "external_id", "task_id"),
    )


def _name(model: type[Model], name: str, by: str) -> Subquery:
    named = model._default_manager.filter(pk=OuterRef(by))  # noqa: SLF001  # Django's documented way
    return Subquery(named.annotate(named=F(name)).values("named")[:1])


def by_id(execution_id: uuid.UUID) -> QuerySet[StrategyExecutionLog]:
    """Return the execution of an id, looked for among the days that the id speaks of."""
    return around(execution_id).filter(pk=execution_id)


def around(execution_id: uuid.UUID) -> QuerySet[StrategyExecutionLog]:
    """Return the executions near the time in an id: only their days' partitions are opened, of hundreds."""
    rows = StrategyExecutionLog.objects.all()
    try:
        at = time_of(execution_id)
        return rows.filter(created_at__gte=at - CLOCKS_DIFFER_BY, created_at__lte=at + CLOCKS_DIFFER_BY)
    except (OverflowError, ValueError):  # no time that there is: no id of ours
        return rows.none()


def of_realm(realm_id: uuid.UUID, execution_id: uuid.UUID) -> StrategyExecutionLog:
    """Find an execution with all that an answer shows of it. Raises NotFound."""
    execution = with_names(by_id(execution_id)).filter(realm_id=realm_id).first()
    if execution is None:
        raise NotFound(
            "There is no such execution. Most runs leave none: see `GET /traces`.",
            code="EXECUTION_NOT_FOUND",
            params={"execution": str(execution_id)},
        )
    return execution
