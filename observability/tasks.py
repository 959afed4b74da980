"""What Celery runs for observability."""

import logging
import time
from typing import Any, Final

import msgspec
from celery import shared_task
from celery.exceptions import Reject
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from redis import Redis

from gameproject.lib import clock
from observability import metrics, partitions, trace_messages, trace_store
from observability.trace_rows import TraceRow

logger = logging.getLogger(__name__)

DEAD_LETTERS: Final = "traces:dead"
MAX_DEAD_LETTERS: Final = 1000
RETRY_SECONDS: Final = (0.1, 0.2, 0.5, 1, 2, 5, 10)


@shared_task
def heartbeat() -> None:
    """Show in the logs that beat, broker and worker work together."""
    logger.debug("heartbeat")


@shared_task(acks_late=True, reject_on_worker_lost=True)
def store_executions(message: dict[str, Any]) -> None:
    """Store the traces of a message; put aside, for a person to look at, what cannot be stored.

    The message is acknowledged after the commit. While PostgreSQL is away it is tried again with longer and longer
    pauses, then given back to the queue.
    """
    try:
        rows = read(message)
    except (msgspec.DecodeError, UnknownFormat) as error:
        _put_aside(msgspec.json.encode(message), reason=str(error), n=len(message.get("rows", [])) or 1)
        return
    bad = _store_patiently(rows)
    for row in bad:
        _put_aside(msgspec.json.encode(row), reason="refused by the database", n=1)


_decoder = msgspec.json.Decoder(TraceRow)


class UnknownFormat(Exception):  # an expected refusal
    """A message of a release that this one does not know."""


def read(message: dict[str, Any]) -> list[TraceRow]:
    """Read a message of this release or an older one. Raises UnknownFormat and msgspec.DecodeError."""
    if message.get("format") != trace_messages.FORMAT:
        raise UnknownFormat(f"format {message.get('format')!r} is not known")
    return [_decoder.decode(row) for row in message["rows"]]


def _store_patiently(rows: list[TraceRow]) -> list[TraceRow]:
    for seconds in RETRY_SECONDS:
        try:
            return trace_store.store(rows)
        except (OperationalError, InterfaceError) as error:
            logger.warning("traces wait for the database: %s", error)
            connection.close()
            time.sleep(seconds)
    raise Reject("the database is away", requeue=True)


def _put_aside(letter: bytes, *, reason: str, n: int) -> None:
    logger.error("%d traces put aside: %s", n, reason)
    metrics.drop("persist_failed", n)
    with Redis.from_url(settings.REDIS_URL) as client, client.pipeline() as pipe:
        pipe.lpush(DEAD_LETTERS, letter)
        pipe.ltrim(DEAD_LETTERS, 0, MAX_DEAD_LETTERS - 1)
        pipe.execute()


@shared_task
def keep_partitions() -> None:
    """Make the partitions of the days ahead, and drop those whose time is over."""
    today = clock.now().date()
    made, dropped = partitions.make_ahead(today), partitions.drop_expired(today)
    if made or dropped:
        logger.info("partitions made: %s; dropped: %s", made, dropped)
