"""Values go through libpq as literals or parameters and come back the same; errors are those that a cursor would raise."""

import hashlib
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import psycopg
import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st
from pytest_django import Settings

from gameproject.lib.postgresql import libpq
from gameproject.lib.postgresql.libpq import (
    Connection,
    read_bool,
    read_bytes,
    read_date,
    read_time,
    read_uuid,
)
from strategies.models.scores import Outcome


@pytest.fixture(scope="module")
def raw(django_db_setup: None, django_db_blocker: object) -> Connection:
    with django_db_blocker.unblock():  # type: ignore[attr-defined]  # pytest-django's
        connection.ensure_connection()
        raw: Connection = connection.connection
    return raw


def echoed(raw: Connection, value: object, sql_type: bytes) -> bytes | None:
    """Send a value as a literal and as a parameter, and return what both come back as."""
    literal = libpq.literals(raw, (value,))
    result = libpq.execute(raw, b"SELECT 1; SELECT %s::%s" % (literal, sql_type))
    prepared = libpq.Prepared(f"SELECT $1::{sql_type.decode()}")
    other = prepared.execute(raw, libpq.parameters([value]), milliseconds=1000)
    raw.pgconn.exec_(b"DEALLOCATE ALL")
    assert other.get_value(0, 0) == result.get_value(0, 0)
    return result.get_value(0, 0)


@given(text=st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_any_text_comes_back_the_same(raw: Connection, text: str) -> None:
    assert echoed(raw, text, b"text") == text.encode()


@given(number=st.floats(min_value=-1e15, max_value=1e15))
def test_any_number_comes_back_the_same(raw: Connection, number: float) -> None:
    assert float(echoed(raw, number, b"float8") or b"") == number
    assert Decimal((echoed(raw, number, b"numeric") or b"").decode()) == Decimal(repr(number))


@pytest.mark.parametrize(
    ("value", "sql_type", "read"),
    [
        (uuid.UUID("018f3d3e-0000-7000-8000-00000000000a"), b"uuid", read_uuid),
        (uuid.UUID(int=1), b"uuid", read_uuid),
        (True, b"boolean", read_bool),
        (False, b"boolean", read_bool),
        (-7, b"bigint", int),
        (b"\x00\xff'\\", b"bytea", read_bytes),
        (date(2024, 2, 29), b"date", read_date),
        (datetime(2026, 11, 22, 5, 30, 0, 123456, UTC), b"timestamptz", read_time),
        (datetime(1990, 1, 1, tzinfo=timezone(timedelta(hours=-5, minutes=-30))), b"timestamptz", read_time),
    ],
    ids=str,
)
def test_values_come_back_as_they_were(
    raw: Connection, value: object, sql_type: bytes, read: libpq.Reader
) -> None:
    returned = echoed(raw, value, sql_type)
    assert returned is not None
    assert read(returned) == value


def test_null_and_enumerations(raw: Connection) -> None:
    assert echoed(raw, None, b"text") is None
    assert echoed(raw, Outcome.AWARD, b"text") == b"award"


def test_text_with_a_nul_is_refused_and_not_cut_off(raw: Connection) -> None:
    with pytest.raises(psycopg.DataError):
        echoed(raw, "before\0after", b"text")


def test_a_failing_statement_raises_what_a_cursor_would_and_the_rest_is_not_run(raw: Connection) -> None:
    with pytest.raises(psycopg.errors.DivisionByZero):
        libpq.execute(raw, b"BEGIN; SELECT 1/0; COMMIT")
    libpq.execute(raw, b"ROLLBACK")
    assert raw.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_a_lost_connection_is_an_operational_error(transactional_db: None) -> None:
    connection.ensure_connection()
    lost = connection.connection
    with psycopg.connect(lost.info.dsn, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [lost.info.backend_pid])
    with pytest.raises(psycopg.OperationalError):
        libpq.execute(lost, b"SELECT 1")
    connection.close()


def test_a_value_of_another_type_is_a_mistake(raw: Connection) -> None:
    with pytest.raises(TypeError, match="Decimal"):
        libpq.parameters([Decimal(1)])


N_PREPARED = "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT $1::text%'"


def test_a_statement_is_prepared_once_a_connection(transactional_db: None) -> None:
    statement = libpq.Prepared("SELECT $1::text")
    for _ in range(2):
        connection.ensure_connection()
        raw = connection.connection
        for value in ("a", "b"):
            assert (
                statement.execute(raw, libpq.parameters([value]), milliseconds=1000).get_value(0, 0)
                == value.encode()
            )
        assert libpq.execute(raw, N_PREPARED.encode()).get_value(0, 0) == b"1"
        connection.close()


def test_behind_a_pooler_nothing_is_prepared(transactional_db: None, settings: Settings) -> None:
    settings.DATABASE_BEHIND_POOLER = True
    connection.ensure_connection()
    raw = connection.connection
    statement = libpq.Prepared("SELECT $1::text")

    assert statement.execute(raw, [b"a"], milliseconds=1000).get_value(0, 0) == b"a"

    assert libpq.execute(raw, N_PREPARED.encode()).get_value(0, 0) == b"0"


def test_a_pooler_that_nobody_told_of_is_noticed(
    transactional_db: None, caplog: pytest.LogCaptureFixture
) -> None:
    connection.ensure_connection()
    raw = connection.connection
    statement = libpq.Prepared("SELECT $1::text")

    name = hashlib.sha256(b"SELECT $1::text").hexdigest()[:32]
    libpq.execute(
        raw, b'PREPARE "%s" AS SELECT 1' % name.encode()
    )  # by another client, on what is now our connection
    assert statement.execute(raw, [b"a"], milliseconds=1000).get_value(0, 0) == b"a"
    assert statement.execute(raw, [b"b"], milliseconds=1000).get_value(0, 0) == b"b"
    connection.close()

    connection.ensure_connection()
    raw = connection.connection
    assert statement.execute(raw, [b"c"], milliseconds=1000).get_value(0, 0) == b"c"
    libpq.execute(raw, b"DEALLOCATE ALL")
    assert statement.execute(raw, [b"d"], milliseconds=1000).get_value(0, 0) == b"d"
    assert statement.execute(raw, [b"e"], milliseconds=1000).get_value(0, 0) == b"e"
    connection.close()

    warnings = [record.getMessage() for record in caplog.records if "POOLER" in record.getMessage()]
    assert len(warnings) == 2, "once a connection"


def test_a_statement_that_cannot_be_prepared_says_why(raw: Connection) -> None:
    statement = libpq.Prepared("SELECT * FROM nothing")
    for _ in range(2):
        with pytest.raises(psycopg.errors.UndefinedTable):
            statement.execute(raw, [], milliseconds=1000)


def test_a_prepared_statement_has_so_long_and_no_longer(raw: Connection) -> None:
    sleep = libpq.Prepared("SELECT pg_sleep($1::float8), current_setting('statement_timeout')")
    before = libpq.execute(raw, b"SHOW statement_timeout").get_value(0, 0)

    with pytest.raises(psycopg.errors.QueryCanceled):
        sleep.execute(raw, [b"5"], milliseconds=50)

    assert sleep.execute(raw, [b"0"], milliseconds=1234).get_value(0, 1) == b"1234ms"
    assert libpq.execute(raw, b"SHOW statement_timeout").get_value(0, 0) == before
    assert raw.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_other_threads_go_on_while_one_waits(raw: Connection) -> None:
    sleep = libpq.Prepared("SELECT pg_sleep($1::float8)")
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(sleep.execute, raw, [b"0.5"], milliseconds=5000)
        n_turns = 0
        while not waiting.done():
            n_turns += 1
            time.sleep(0.001)
    assert n_turns > 20


def test_a_connection_lost_while_a_prepared_statement_runs(transactional_db: None) -> None:
    connection.ensure_connection()
    lost = connection.connection
    sleep = libpq.Prepared("SELECT pg_sleep($1::float8)")
    sleep.execute(lost, [b"0"], milliseconds=1000)
    with ThreadPoolExecutor(1) as pool, psycopg.connect(lost.info.dsn, autocommit=True) as other:
        waiting = pool.submit(sleep.execute, lost, [b"20"], milliseconds=30_000)
        while not other.execute("SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'").rowcount:
            time.sleep(0.01)
        other.execute("SELECT pg_terminate_backend(%s)", [lost.info.backend_pid])
        with pytest.raises(psycopg.OperationalError):
            waiting.result(timeout=10)
    with pytest.raises(psycopg.OperationalError):
        sleep.execute(lost, [b"0"], milliseconds=1000)
    connection.close()


def test_a_prepared_statement_fails_as_a_cursor_would(raw: Connection) -> None:
    statement = libpq.Prepared("SELECT 1 / $1::integer")
    for _ in range(2):
        with pytest.raises(psycopg.errors.DivisionByZero):
            statement.execute(raw, [b"0"], milliseconds=1000)
    assert statement.execute(raw, [b"1"], milliseconds=1000).get_value(0, 0) == b"1"


def test_a_role_with_another_date_style_is_read_all_the_same(transactional_db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER ROLE CURRENT_USER SET DateStyle = 'German'")
    try:
        connection.close()
        connection.ensure_connection()
        at = datetime(2026, 11, 22, tzinfo=UTC)
        assert read_time(echoed(connection.connection, at, b"timestamptz") or b"") == at
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER ROLE CURRENT_USER RESET DateStyle")
        connection.close()
