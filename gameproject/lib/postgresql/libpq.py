"""Statements straight to libpq, for the hot path: a fifth of a cursor's CPU, since nothing is looked up by type.

`execute` sends text: several statements are one round trip (the simple query protocol), the last one's result comes back.
`Prepared` sends one statement's parameters alone, and spares PostgreSQL a fifth of a score: there is nothing to parse.
The types of value that the ledger needs, and no others, are known here.
"""

import hashlib
import logging
import select
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

    def __init__(self, text: str) -> None:
        self.text = " ".join(text.split()).encode()
        # By its text: behind a pooler another release's statement of the same name might be met.
        self.name = hashlib.sha256(self.text).hexdigest()[:32].encode()
        self._prepared_on: WeakKeyDictionary[Connection, bool] = WeakKeyDictionary()

    def execute(self, raw: Connection, parameters: Sequence[Parameter], *, milliseconds: int) -> abc.PGresult:
        """Run it in one round trip, in a transaction of its own, for so long. Raises psycopg.Error, as a cursor would.

        The server takes the time, and counts waiting for any number of locks: QueryCanceled.
        """
        until = [b"%d" % milliseconds]
        with raw.lock:
            if self.is_prepared_on(raw) and TIMEOUT.is_prepared_on(raw):
                by_name = raw.pgconn.send_query_prepared
                result = _answer(raw.pgconn, by_name, (TIMEOUT.name, until), (self.name, parameters))
                if not self._is_gone(result):
                    return _done(raw, result)
                self._prepared_on[raw] = False
            by_text = raw.pgconn.send_query_params
            return _done(raw, _answer(raw.pgconn, by_text, (TIMEOUT.text, until), (self.text, parameters)))

    def is_prepared_on(self, raw: Connection) -> bool:
        """Say whether it is, having tried to."""
        if settings.DATABASE_BEHIND_POOLER:
            return False
        known = self._prepared_on.get(raw)
        if known is None:
            result = raw.pgconn.prepare(self.name, self.text)
            known = not self._is_gone(result)
            if known:
                _done(raw, result)
            self._prepared_on[raw] = known
        return known

    def _is_gone(self, result: abc.PGresult) -> bool:
        """Say whether somebody else prepares and forgets statements on what is a connection of ours."""
        is_gone = result.status not in DONE and result.error_field(DiagnosticField.SQLSTATE) in POOLED
        if is_gone:
            logger.warning("a prepared statement is gone: behind a pooler set DATABASE_BEHIND_POOLER=true")
        return is_gone


# For the statements that follow in the same transaction: each begins to count anew.
TIMEOUT: Final = Prepared("SELECT set_config('statement_timeout', $1, true)")


def _answer(
    pgconn: abc.PGconn, send: Callable[..., None], *statements: tuple[bytes, Sequence[Parameter]]
) -> abc.PGresult:
    """Send statements together, and return the last one's answer, or the first failure.

    A pipeline that ends with its one Sync is a transaction of its own, committed before the answer comes.
    """
    pgconn.enter_pipeline_mode()
    for statement, parameters in statements:
        send(statement, parameters)
    pgconn.pipeline_sync()
    answer = None
    while (result := _next_result(pgconn)).status != ExecStatus.PIPELINE_SYNC:
        if answer is None or answer.status in DONE:
            answer = result
    pgconn.exit_pipeline_mode()
    assert answer is not None  # noqa: S101  # each statement has one
    return answer


def _next_result(pgconn: abc.PGconn) -> abc.PGresult:
    """Wait for it, without the GIL, which `get_result` would hold. Raises OperationalError if the connection is lost."""
    while pgconn.status != ConnStatus.BAD:
        while pgconn.is_busy():
            poll = select.poll()
            poll.register(pgconn.socket, select.POLLIN)
            poll.poll()
            pgconn.consume_input()
        result = pgconn.get_result()
        if result is not None:  # None ends the results of a statement
            return result
    raise psycopg.OperationalError(pgconn.get_error_message())


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
