"""Traces into the table: by COPY, idempotent by execution, with a bad row put aside and not in the others' way."""

import logging
from collections.abc import Iterable, Sequence
from typing import Any, Final

import psycopg
from django.db import DataError, IntegrityError, connection, transaction

from gameproject.lib import clock
from observability import metrics
from observability.sampling import Kind
from observability.trace_rows import TraceRow

logger = logging.getLogger(__name__)

TABLE: Final = "observability_strategyexecutionlog"
RENAMED: Final = {"id": "execution_id", "strategy_version_id": "version_id"}
COLUMNS: Final = (
    *("id", "score_id", "request_id", "realm_id", "strategy_id", "strategy_version_id", "parent_version_id"),
    *(
        "strategy_type",
        "alias",
        "game_id",
        "task_id",
        "external_user_id",
        "status",
        "outcome",
        "code",
        "node_id",
    ),
    *(
        "path",
        "points",
        "case_name",
        "duration_seconds",
        "nodes",
        "facts",
        "data",
        "variables",
        "trace",
        "n_cut",
    ),
    *("is_test", "kind", "is_error", "weight", "created_at"),
)


def store(rows: Sequence[TraceRow]) -> list[TraceRow]:
    """Store rows, once each; return those that cannot be stored at all. Raises OperationalError."""
    try:
        _copy(rows)
    except (DataError, IntegrityError):
        if len(rows) == 1:
            logger.exception("execution %s cannot be stored", rows[0].execution_id)
            return list(rows)
        return [bad for row in rows for bad in store([row])]
    _count(rows)
    return []


def _copy(rows: Iterable[TraceRow]) -> None:
    names = ", ".join(COLUMNS)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE arriving (LIKE {TABLE}) ON COMMIT DROP")
        raw: psycopg.Cursor[Any] = cursor.cursor
        with connection.wrap_database_errors, raw.copy(f"COPY arriving ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row([_value(row, column) for column in COLUMNS])
        cursor.execute(f"INSERT INTO {TABLE} ({names}) SELECT {names} FROM arriving ON CONFLICT DO NOTHING")  # noqa: S608  # constants


def _value(row: TraceRow, column: str) -> object:
    if column == "is_error":
        return row.kind is Kind.ERROR
    value = getattr(row, RENAMED.get(column, column))
    return bytes(value).decode() if column in {"facts", "data", "variables", "trace"} else value


def _count(rows: Sequence[TraceRow]) -> None:
    now = clock.now()
    for row in rows:
        metrics.LOG_PERSISTED.labels(row.kind).inc()
        metrics.LOG_LAG.observe(max(0.0, (now - row.created_at).total_seconds()))
