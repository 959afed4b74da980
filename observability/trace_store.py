"""Traces into the table: one statement a message, idempotent by execution, a bad row not in the others' way.

The rows travel as the JSON they already are, and PostgreSQL takes them apart: one round trip and no temporary table,
whose making and dropping cost a message of one row ten times its row.
"""

import functools
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec
from django.db import DataError, IntegrityError, connection

from gameproject.lib import clock
from observability import metrics
from observability.models import StrategyExecutionLog
from observability.trace_rows import TraceRow

logger = logging.getLogger(__name__)

RENAMED: Final = {"execution_id": "id", "version_id": "strategy_version_id"}


def store(rows: Sequence[TraceRow]) -> list[TraceRow]:
    """Store rows, once each; return those that cannot be stored at all. Raises OperationalError."""
    try:
        stored = _insert(rows)
    except (DataError, IntegrityError):
        if len(rows) == 1:
            logger.exception("execution %s cannot be stored", rows[0].execution_id)
            return list(rows)
        return [bad for row in rows for bad in store([row])]
    _count(stored)
    return []


def _insert(rows: Sequence[TraceRow]) -> list[tuple[str, datetime]]:
    """Insert what is not there yet; return its kinds and times."""
    with connection.cursor() as cursor:
        cursor.execute(_statement(), [msgspec.json.encode(rows).decode()])
        stored: list[tuple[str, datetime]] = cursor.fetchall()
        return stored


@functools.cache
def _statement() -> str:
    """Make the statement from the fields of a row as it travels, and the model's types."""
    table = StrategyExecutionLog._meta  # noqa: SLF001  # Django documents it
    names = zip(TraceRow.__struct_fields__, TraceRow.__struct_encode_fields__, strict=True)
    columns = {RENAMED.get(field, field): f'"{travels_as}"' for field, travels_as in names}
    types = {field.column: field.db_type(connection) for field in table.concrete_fields}
    return (
        f"INSERT INTO {table.db_table} ({', '.join(columns)}, is_error) "  # noqa: S608  # constants
        f"SELECT {', '.join(columns.values())}, kind = 'error' FROM jsonb_to_recordset(%s::jsonb) "
        f"AS arriving ({', '.join(f'{name} {types[column]}' for column, name in columns.items())}) "
        "ON CONFLICT DO NOTHING RETURNING kind, created_at"
    )


def _count(stored: Sequence[tuple[str, datetime]]) -> None:
    now = clock.now()
    for kind, created_at in stored:
        metrics.LOG_PERSISTED.labels(kind).inc()
        metrics.LOG_LAG.observe(max(0.0, (now - created_at).total_seconds()))
