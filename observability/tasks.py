"""What Celery runs for observability."""

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeVar

import msgspec
from celery import Task, shared_task
from celery.exceptions import Reject
from django.core.management import call_command
from django.db import DataError, IntegrityError, InterfaceError, OperationalError, connection

from gameproject.lib import clock
from observability import (
    dead_letters,
    drops,
    metrics,
    partitions,
    refusals,
    request_messages,
    request_store,
    trace_backlog,
    trace_messages,
    trace_store,
    uptime,
)
from observability import heartbeat as heartbeats
from observability.celery_messages import UnknownFormat
from observability.trace_rows import TraceRow

M = TypeVar("M")
R = TypeVar("R")

logger = logging.getLogger(__name__)

RETRY_SECONDS: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10)


@shared_task(name=heartbeats.TASK, bind=True)
def heartbeat(self: Task[..., None]) -> None:
    """Prove that beat, broker and worker work together, and write down what is there."""
    sent_at, arrived_at = float(self.request.get("sent_at") or time.time()), clock.now()
    heartbeats.arrived(sent_at)
    try:
        uptime.record(sent_at=datetime.fromtimestamp(sent_at, UTC), arrived_at=arrived_at)
    except (OperationalError, InterfaceError) as error:
        connection.close()
        logger.warning("no uptime of this minute: %s", error)


@shared_task
def forget_old_uptime() -> None:
    """Delete the rows about uptime that are older than they are kept."""
    logger.info("uptime rows deleted: %d", uptime.forget_old(clock.now()))


@shared_task
def forget_old_sessions() -> None:
    """Delete the sessions of staff that have run out."""
    call_command("clearsessions")


@shared_task(acks_late=True, reject_on_worker_lost=True)
def store_executions(message: dict[str, Any]) -> None:
    """Store the traces of a message, and of those that wait behind it; put aside, for a person, what cannot be stored.

    Messages are acknowledged after the commit. While PostgreSQL is away they are tried again with longer and longer
    pauses, then given back to the queue.
    """
    _store_executions([message])
    for messages in trace_backlog.waiting():
        _store_executions(messages)


def _store_executions(messages: Sequence[dict[str, Any]]) -> None:
    rows: list[TraceRow] = []
    reports: list[drops.Report] = []
    for message in messages:
        try:
            some, report = read(message), read_drops(message)
        except (msgspec.DecodeError, UnknownFormat, KeyError, TypeError) as error:
            _put_aside(message, reason=str(error))
            continue
        rows += some
        reports += [report] if report else []
    bad = _patiently(trace_store.store, rows) if rows else []
    for report in reports:
        _patiently(drops.store, report)
    for row in bad:
        rows_again = [msgspec.json.encode(row).decode()]
        _put_aside({"format": trace_messages.FORMAT, "rows": rows_again}, reason="refused by the database")


_decoder = msgspec.json.Decoder(TraceRow)


def read(message: dict[str, Any]) -> list[TraceRow]:
    """Read a message of this release or an older one. Raises UnknownFormat and msgspec.DecodeError."""
    if message.get("format") != trace_messages.FORMAT:
        raise UnknownFormat(f"format {message.get('format')!r} is not known")
    return [_decoder.decode(row) for row in message["rows"]]


def read_drops(message: dict[str, Any]) -> drops.Report | None:
    """Read what the sender had lost before. Raises msgspec.ValidationError."""
    return msgspec.convert(message.get("drops"), drops.Report | None)


@shared_task(acks_late=True, reject_on_worker_lost=True)
def store_api_requests(message: dict[str, Any]) -> None:
    """Store the request records of a message; count those that cannot be stored. Acknowledged after the commit."""
    try:
        read_message = request_store.read(message)
    except (msgspec.ValidationError, UnknownFormat):
        logger.exception("request records that cannot be read")
        metrics.API_REQUESTS_DROPPED.labels("persist_failed").inc(len(message.get("records", [])) or 1)
        return
    try:
        _patiently(request_store.store, read_message)
    except (DataError, IntegrityError):
        logger.exception("request records refused by the database")
        metrics.API_REQUESTS_DROPPED.labels("persist_failed").inc(len(read_message.records))
        _patiently(request_store.store, request_messages.as_lost(read_message, "persist_failed"))


def _patiently(store: Callable[[M], R], what: M) -> R:
    for seconds in RETRY_SECONDS:
        try:
            return store(what)
        except (OperationalError, InterfaceError) as error:
            logger.warning("%s waits for the database: %s", store.__module__, error)
            connection.close()
            time.sleep(seconds)
    raise Reject("the database is away", requeue=True)


def _put_aside(message: dict[str, Any], *, reason: str) -> None:
    n = len(message.get("rows", [])) or 1
    logger.error("%d traces put aside: %s", n, reason)
    metrics.drop("persist_failed", n)
    dead_letters.put_aside(message, reason=reason)


@shared_task
def keep_partitions() -> None:
    """Make the partitions of the days ahead, and drop those whose time is over."""
    today = clock.now().date()
    made, dropped = partitions.make_ahead(today), partitions.drop_expired(today)
    drops.forget_before(clock.now() - timedelta(days=max(table.days_kept for table in partitions.EXECUTIONS)))
    if made or dropped:
        logger.info("partitions made: %s; dropped: %s", made, dropped)


@shared_task
def record_refusals() -> None:
    """Write the audit rows of the failed log-ins and denied requests of the minutes that are over."""
    refusals.record_finished_minutes()
