"""Django's PostgreSQL backend, but for four moments: a connection is made, taken up again, closed; its thread ends.

What goes through cursors is counted and timed by django-prometheus, 11 µs a statement with several processes; the ledger's
statements go past them (`libpq`).
"""

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, InvalidStateError, wait
from typing import Any, Final

import psycopg
from django.db.backends.postgresql import base
from django_prometheus.db import (
    connection_errors_total,
    connections_total,
    errors_total,
    execute_many_total,
    execute_total,
    query_duration_seconds,
)
from django_prometheus.db.common import ExportingCursorWrapper

from gameproject.lib.postgresql.breaker import breaker
from gameproject.lib.postgresql.deadline import (
    CHECK_EVERY_SECONDS,
    SILENT_SECONDS,
    SUSPICIOUS_SECONDS,
    watchdog,
)

Connection = psycopg.Connection[Any]
LOOK_AFTER_SECONDS: Final = 0.05
LABELS: Final = ("default", "postgresql")
# Present at 0 from the start: what a statement may well fail with. Others come when they come.
for _metric in (
    connections_total,
    connection_errors_total,
    execute_total,
    execute_many_total,
    query_duration_seconds,
):
    _metric.labels(*LABELS)
for _error in (
    "DeadlockDetected",
    "LockNotAvailable",
    "OperationalError",
    "QueryCanceled",
    "UniqueViolation",
):
    errors_total.labels(*LABELS, _error)


class ClosedWithThread:
    """Closes a connection when the thread that made it ends and its thread-local values go.

    Web servers end threads that have nothing to do. Django's wrapper lies in a reference cycle, so that its connection
    would stay open until the garbage collector comes by: for hours, in a process that makes little garbage.
    """

    def __init__(self, raw: Connection) -> None:
        self._raw, self._process = raw, os.getpid()

    def __del__(self) -> None:
        if os.getpid() == self._process:  # a forked child would end its parent's session
            self._raw.close()


class _Thread(threading.local):
    def __init__(self) -> None:
        self.connections: dict[int, ClosedWithThread] = {}  # by the wrapper


_thread = _Thread()


class DatabaseWrapper(base.DatabaseWrapper):
    _looked_at = float("-inf")

    def get_connection_params(self) -> dict[str, Any]:
        found: dict[str, Any] = super().get_connection_params()
        found["cursor_factory"] = ExportingCursorWrapper(found["cursor_factory"], *LABELS)
        return found

    def get_new_connection(self, conn_params: dict[str, Any]) -> Connection:
        """Connect, and count it."""
        connections_total.labels(*LABELS).inc()
        try:
            raw = self._connect(conn_params)
        except Exception:
            connection_errors_total.labels(*LABELS).inc()
            raise
        _thread.connections[id(self)] = ClosedWithThread(raw)
        return raw

    def _connect(self, conn_params: dict[str, Any]) -> Connection:
        """Connect, within what a watched thread has left of its time, and not at all to a silent server."""
        connect: Callable[[dict[str, Any]], Connection] = super().get_new_connection
        breaker.require_answer()
        seconds = watchdog.seconds_left()
        if seconds is None:
            return connect(conn_params)
        seconds = min(seconds, float(conn_params.get("connect_timeout", seconds)))
        try:
            return within(seconds, lambda: connect(conn_params))
        except psycopg.errors.ConnectionTimeout:
            breaker.suspect()
            raise

    def init_connection_state(self) -> None:
        super().init_connection_state()
        # A role may have another; `libpq` reads times in this one.
        style = self.connection.info.parameter_status("DateStyle") or ""
        if not style.startswith("ISO"):
            self.connection.execute("SET DateStyle = ISO")

    def close_if_unusable_or_obsolete(self) -> None:
        """Throw away, at the beginning of a request, a connection that the server has closed meanwhile.

        Looking is no round trip, so that a restart of PostgreSQL is not felt; but it gives up the GIL, so that a
        connection that was looked at a moment ago is believed.
        """
        now = time.monotonic()
        if (
            self.connection is not None
            and not self.in_atomic_block
            and now - self._looked_at > LOOK_AFTER_SECONDS
        ):
            self._looked_at = now
            if was_closed(self.connection):
                self.close()
        super().close_if_unusable_or_obsolete()

    def _close(self) -> None:
        with watchdog.lock:
            super()._close()  # type: ignore[misc]  # the stubs lack it
        _thread.connections.pop(id(self), None)


def within(seconds: float, connect: Callable[[], Connection]) -> Connection:
    """Connect in a thread, for libpq gives up after 2 s at the earliest. Raises ConnectionTimeout."""
    made: Future[Connection] = Future()

    def run() -> None:
        try:
            raw = connect()
        except BaseException as error:  # noqa: BLE001  # whatever it is, it belongs to the waiting thread
            with contextlib.suppress(InvalidStateError):
                made.set_exception(error)
            return
        try:
            made.set_result(raw)
        except InvalidStateError:  # nobody waits any more
            raw.close()

    threading.Thread(target=run, name="postgresql-connect", daemon=True).start()
    _wait_for(made, seconds)
    if made.cancel():
        raise psycopg.errors.ConnectionTimeout(f"no connection within {seconds:.2f} s")
    return made.result()


def _wait_for(made: Future[Connection], seconds: float) -> None:
    """Wait until it is there or time is up; no longer than others do if the server turns out to be silent."""
    began_at = time.monotonic()
    wait([made], max(0.0, min(seconds, SUSPICIOUS_SECONDS)))
    while not made.done() and (left := began_at + seconds - time.monotonic()) > 0:
        breaker.suspect()
        if breaker.silent_seconds() >= SILENT_SECONDS:
            return
        wait([made], min(left, CHECK_EVERY_SECONDS))


def was_closed(raw: Connection) -> bool:
    """Say whether something waits to be read: nothing does on a resting connection, but a server's goodbye."""
    try:
        poll = select.poll()
        poll.register(raw.pgconn.socket, select.POLLIN)
        return bool(poll.poll(0))
    except psycopg.Error:  # libpq has closed it already
        return True
