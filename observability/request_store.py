"""Request records into their table: by COPY, idempotent by message."""

import functools
import uuid
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
import psycopg
from django.db import connection, transaction

from observability import request_messages
from observability.celery_messages import UnknownFormat
from observability.request_messages import MAX_RECORDS, Message
from strategies.models import ApiKey

REQUESTS: Final = "observability_apirequests"
REQUEST_COLUMNS: Final = (
    *("id", "created_at", "realm_id", "method", "route", "kind", "status", "milliseconds", "key_prefix"),
    *("request_id", "weight"),
)
DROPS: Final = "observability_apirequestdrops"
DROP_COLUMNS: Final = ("id", "created_at", "realm_id", "reason", "n")


def read(message: dict[str, Any]) -> Message:
    """Read a message of this release or an older one. Raises UnknownFormat and msgspec.ValidationError."""
    if message.get("format") != request_messages.FORMAT:
        raise UnknownFormat(f"format {message.get('format')!r} is not known")
    return msgspec.convert(message, Message)


def store(message: Message) -> None:
    """Store what a message says, once however often it comes. Raises OperationalError, DataError."""
    requests, drops = (
        list(_requests(message)),
        list(_drops(message)),
    )  # they ask the database, which COPY keeps busy
    with transaction.atomic():
        _copy(REQUESTS, REQUEST_COLUMNS, requests)
        if drops:
            _copy(DROPS, DROP_COLUMNS, drops)


def _requests(message: Message) -> Iterator[Sequence[object]]:
    for place, record in enumerate(message.records):
        at, *others = msgspec.structs.astuple(record)
        created_at = datetime.fromtimestamp(at, UTC)
        row_id = request_messages.row_id(message.message_id, place, created_at)
        yield row_id, created_at, realm_of(record.key_prefix), *others


def _drops(message: Message) -> Iterator[Sequence[object]]:
    for place, lost in enumerate(message.lost):
        quarter = datetime.fromtimestamp(lost.quarter, UTC)
        row_id = request_messages.row_id(message.message_id, MAX_RECORDS + place, quarter)
        yield row_id, quarter, realm_of(lost.key_prefix), lost.reason, lost.n


@functools.lru_cache(10_000)
def realm_of(key_prefix: str) -> uuid.UUID | None:
    """Find whose a key is. Keys do not move."""
    return ApiKey.objects.filter(prefix=key_prefix).values_list("realm_id", flat=True).first()


def _copy(table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    names, arriving = ", ".join(columns), f"arriving_{table}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE TEMP TABLE {arriving} (LIKE {table}) ON COMMIT DROP")
        raw: psycopg.Cursor[Any] = cursor.cursor
        with connection.wrap_database_errors, raw.copy(f"COPY {arriving} ({names}) FROM STDIN") as copy:
            for row in rows:
                copy.write_row(row)
        cursor.execute(f"INSERT INTO {table} ({names}) SELECT {names} FROM {arriving} ON CONFLICT DO NOTHING")  # noqa: S608  # constants
