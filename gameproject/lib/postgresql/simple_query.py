"""Statements straight to libpq, for the hot path: a fifth of a cursor's CPU, since nothing is looked up by type.

Several statements in one text are one round trip (the simple query protocol), and the last one's result comes back.
Values are written into the text as literals; the types that the ledger needs, and no others, are known here.
"""

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from typing import Any, Final

import psycopg
from psycopg.pq import ConnStatus, DiagnosticField, Escaping, ExecStatus, abc

Connection = psycopg.Connection[Any]
Reader = Callable[[bytes], Any]


class Literal(bytes):
    """What is written as literals already: one, or several with commas between them."""


DONE: Final = {ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK}


def execute(raw: Connection, statements: bytes) -> abc.PGresult:
    """Run statements in one round trip and return the last one's result. Raises psycopg.Error, as a cursor would."""
    with raw.lock:
        result = raw.pgconn.exec_(statements)
    if result.status in DONE:
        return result
    # What the server did not say, libpq did: the connection is lost.
    if raw.pgconn.status == ConnStatus.BAD or result.error_field(DiagnosticField.SQLSTATE) is None:
        raise psycopg.OperationalError(raw.pgconn.get_error_message())
    raise psycopg.errors.error_from_result(result)


def literals(raw: Connection, values: Sequence[object]) -> bytes:
    """Write values as SQL literals, separated by commas. Raises DataError for text that cannot be stored."""
    escaping = Escaping(raw.pgconn)
    return b",".join(
        [
            _text(escaping, value) if isinstance(value, str) else WRITERS[type(value)](value)
            for value in values
        ]
    )


def _text(escaping: abc.Escaping, value: str) -> bytes:
    if "\0" in value:  # libpq would end the text there
        raise psycopg.DataError("PostgreSQL text cannot hold a NUL character")
    return escaping.escape_literal(value.encode())


# In quotes all, so that a minus after a minus is no comment.
WRITERS: Final[Mapping[type, Callable[[Any], bytes]]] = {
    type(None): lambda _: b"NULL",
    uuid.UUID: lambda value: b"'%032x'" % value.int,
    bool: lambda value: b"true" if value else b"false",
    int: lambda value: b"'%d'" % value,
    float: lambda value: b"'%a'" % value,
    datetime: lambda value: b"'%s'" % value.isoformat().encode(),
    date: lambda value: b"'%s'" % value.isoformat().encode(),
    bytes: lambda value: b"'\\x%s'" % value.hex().encode(),
    Literal: lambda value: value,
}


def row(result: abc.PGresult, readers: Sequence[Reader]) -> list[Any]:
    """Read the only row of a result, each column by its reader; NULL is None."""
    get = result.get_value
    return [None if (value := get(0, column)) is None else read(value) for column, read in enumerate(readers)]


# ── Readers of PostgreSQL's text format ──────────────────────────────────────────────────────────
def read_uuid(value: bytes) -> uuid.UUID:
    return uuid.UUID(value.decode())


def read_bool(value: bytes) -> bool:
    return value == b"t"


def read_date(value: bytes) -> date:
    return date.fromisoformat(value.decode())


def read_time(value: bytes) -> datetime:
    """Read a timestamptz in DateStyle ISO, which `base.py` sees to."""
    return datetime.fromisoformat(value.decode())


def read_bytes(value: bytes) -> bytes:
    return bytes.fromhex(value[2:].decode())
