"""Statements that may take long, and must not."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection, transaction
from psycopg.errors import QueryCanceled


class StatementTimeout(Exception):
    """PostgreSQL ended a statement that took too long."""


@contextmanager
def statement_timeout(seconds: float) -> Iterator[None]:
    """Run what is inside in a transaction whose statements end after so long. Raises StatementTimeout."""
    try:
        with transaction.atomic():
            with connection.cursor() as cursor:
                cursor.execute(f"SET LOCAL statement_timeout = {int(seconds * 1000)}")
            yield
    except OperationalError as error:
        if isinstance(error.__cause__, QueryCanceled):
            raise StatementTimeout from error
        raise
