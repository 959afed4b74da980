"""A pytest plugin: tests that commit may empty the tables that PostgreSQL otherwise keeps append only."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations

GUARDED_TABLES = (
    *("strategies_score", "strategies_strategyversion"),
    *("observability_logs", "observability_auditchain"),
)

CONTENT_TYPES = "django_content_type"  # by name: a plugin is imported before Django is set up


@contextmanager
def without_triggers() -> Iterator[None]:
    """Do what only the tables' owner can, and only on purpose."""
    try:
        _switch_triggers("DISABLE")
        yield
    finally:
        _switch_triggers("ENABLE")


def _switch_triggers(verb: str) -> None:
    with connection.cursor() as cursor:
        for table in GUARDED_TABLES:
            cursor.execute(f"ALTER TABLE {table} {verb} TRIGGER USER")


@pytest.fixture(autouse=True, scope="session")
def flush_past_the_triggers() -> Iterator[None]:
    """Let Django empty all tables after a test that committed.

    But for the content types: they would come back with other ids, and a server that outlives the test, as those of
    the browser tests do, has kept the old ones.
    """
    write, execute = DatabaseOperations.sql_flush, DatabaseOperations.execute_sql_flush

    def write_but_content_types(
        operations: DatabaseOperations, style: Any, tables: Sequence[str], **options: bool
    ) -> list[str]:
        return write(operations, style, [name for name in tables if name != CONTENT_TYPES], **options)

    def execute_without_triggers(operations: DatabaseOperations, sql_list: list[str]) -> None:
        with without_triggers():
            execute(operations, sql_list)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "sql_flush", write_but_content_types)
        patch.setattr(DatabaseOperations, "execute_sql_flush", execute_without_triggers)
        yield
