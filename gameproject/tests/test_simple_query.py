"""Values go through libpq as literals and come back the same; errors are those that a cursor would raise."""

import uuid
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import psycopg
import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from gameproject.lib.postgresql import simple_query
from gameproject.lib.postgresql.simple_query import (
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
    literal = simple_query.literals(raw, (value,))
    result = simple_query.execute(raw, b"SELECT 1; SELECT %s::%s" % (literal, sql_type))
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
    raw: Connection, value: object, sql_type: bytes, read: simple_query.Reader
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
        simple_query.execute(raw, b"BEGIN; SELECT 1/0; COMMIT")
    simple_query.execute(raw, b"ROLLBACK")
    assert raw.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_a_lost_connection_is_an_operational_error(transactional_db: None) -> None:
    connection.ensure_connection()
    lost = connection.connection
    with psycopg.connect(lost.info.dsn, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [lost.info.backend_pid])
    with pytest.raises(psycopg.OperationalError):
        simple_query.execute(lost, b"SELECT 1")
    connection.close()


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
