"""Statements straight to libpq, for the hot path: a fifth of a cursor's CPU, since nothing is looked up by type.

`execute` sends text: several statements are one round trip (the simple query protocol), the last one's result comes back.
`Prepared` sends one statement's parameters alone, and spares PostgreSQL a quarter of a score: there is nothing to parse.
The types of value that the ledger needs, and no others, are known here.
"""

import logging
import uuid
from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime
from typing import Any, Final
from weakref import WeakKeyDictionary

import psycopg
from django.conf import settings
from psycopg.pq import ConnStatus, DiagnosticField, Escaping, ExecStatus, abc

logger = logging.getLogger(__name__)

Connection = psycopg.Connection[Any]
Reader = Callable[[bytes], Any]
Parameter = bytes | None

DONE: Final = {ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK}
POOLED: Final = {b"26000", b"42P05"}  # a prepared statement that does not exist, or does already


def execute(raw: Connection, statements: bytes) -> abc.PGresult:
    """Run statements in one round trip and return the last one's result. Raises psycopg.Error, as a cursor would."""
    with raw.lock:
        return _done(raw, raw.pgconn.exec_(statements))


class Prepared:
    """A statement that each connection prepares when it first needs it.

    Behind a pooler the next transaction may have another connection to the server: nothing is prepared then, the text goes
    along with the parameters (`DATABASE_BEHIND_POOLER`). It does so too where a pooler turns up that nobody told of.
    """

    def __init__(self, name: str, text: str) -> None:
        self._name, self._text = name.encode(), text.encode()
        self._prepared_on: WeakKeyDictionary[Connection, bool] = WeakKeyDictionary()

    def execute(self, raw: Connection, parameters: Sequence[Parameter]) -> abc.PGresult:
        """Run it, a transaction of its own. Raises psycopg.Error, as a cursor would."""
        with raw.lock:
            if not settings.DATABASE_BEHIND_POOLER and self._is_prepared_on(raw):
                result = raw.pgconn.exec_prepared(self._name, parameters)  # type: ignore[arg-type]  # NULL is None
                if not self._is_gone(result):
                    return _done(raw, result)
                self._prepared_on[raw] = False
            return _done(raw, raw.pgconn.exec_params(self._text, parameters))

    def _is_prepared_on(self, raw: Connection) -> bool:
        known = self._prepared_on.get(raw)
        if known is None:
            result = raw.pgconn.prepare(self._name, self._text)
            known = not self._is_gone(result)
            if known:
                _done(raw, result)
            self._prepared_on[raw] = known
        return known

    def _is_gone(self, result: abc.PGresult) -> bool:
        """Say whether somebody else prepares and forgets statements on what is a connection of ours."""
        is_gone = result.status not in DONE and result.error_field(DiagnosticField.SQLSTATE) in POOLED
        if is_gone:
            logger.warning(
                "%s is not prepared where it was: behind a pooler set DATABASE_BEHIND_POOLER=true",
                self._name.decode(),
            )
        return is_gone


def _done(raw: Connection, result: abc.PGresult) -> abc.PGresult:
    if result.status in DONE:
        return result
    # What the server did not say, libpq did: the connection is lost.
    if raw.pgconn.status == ConnStatus.BAD or result.error_field(DiagnosticField.SQLSTATE) is None:
        raise psycopg.OperationalError(raw.pgconn.get_error_message())
    raise psycopg.errors.error_from_result(result)


# ── Values on their way to the server ────────────────────────────────────────────────────────────
def parameters(values: Iterable[object]) -> list[Parameter]:
    """Write values as a prepared statement takes them. Raises DataError for text that cannot be stored."""
    return [None if value is None else WRITERS[type(value)](value) for value in values]


def literals(raw: Connection, values: Iterable[object]) -> bytes:
    """Write values as SQL literals, separated by commas. Raises DataError for text that cannot be stored."""
    escaping = Escaping(raw.pgconn)
    return b",".join([_literal(escaping, value) for value in values])


class Literal(bytes):
    """What is written as literals already: one, or several with commas between them."""


def _literal(escaping: abc.Escaping, value: object) -> bytes:
    if value is None:
        return b"NULL"
    if isinstance(value, Literal):
        return value
    written = WRITERS[type(value)](value)
    if isinstance(value, str):
        return escaping.escape_literal(written)
    return b"'%s'" % written  # in quotes all, so that a minus after a minus is no comment


def _encoded(text: str) -> bytes:
    if "\0" in text:  # libpq would end the text there
        raise psycopg.DataError("PostgreSQL text cannot hold a NUL character")
    return text.encode()


class _Writers(dict[type, Callable[[Any], bytes]]):
    def __missing__(self, kind: type) -> Callable[[Any], bytes]:
        if not issubclass(kind, str):  # an enumeration's
            raise TypeError(f"{kind.__name__} is no type of the ledger's")
        return _encoded


# But for text, none writes what would have to be escaped in a literal.
WRITERS: Final = _Writers(
    {
        str: _encoded,
        uuid.UUID: lambda value: b"%032x" % value.int,
        bool: lambda value: b"t" if value else b"f",
        int: lambda value: b"%d" % value,
        float: lambda value: b"%a" % value,
        datetime: lambda value: value.isoformat().encode(),
        date: lambda value: value.isoformat().encode(),
        bytes: lambda value: b"\\x%s" % value.hex().encode(),
    }
)


# ── Values on their way back, in PostgreSQL's text format ────────────────────────────────────────
def row(result: abc.PGresult, readers: Sequence[Reader]) -> list[Any]:
    """Read the only row of a result, each column by its reader; NULL is None."""
    get = result.get_value
    return [None if (value := get(0, column)) is None else read(value) for column, read in enumerate(readers)]


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
