"""A pytest plugin: tests that commit may empty the tables that PostgreSQL otherwise keeps append only."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.db import connection
from django.db.backends.postgresql.operations import DatabaseOperations

GUARDED_TABLES = (
    *("strategies_score", "strategies_strategyversion"),
    *("observability_logs", "observability_auditchain"),
)


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
    """Let Django empty all tables after a test that committed."""
    execute = DatabaseOperations.execute_sql_flush

    def execute_without_triggers(operations: DatabaseOperations, sql_list: list[str]) -> None:
        with without_triggers():
            execute(operations, sql_list)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(DatabaseOperations, "execute_sql_flush", execute_without_triggers)
        yield
