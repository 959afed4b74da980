"""A deadline that holds even when PostgreSQL does not answer at all.

`statement_timeout` is the server's own promise: a stopped server, or a broken network, keeps none. So a
daemon thread shuts the socket of a connection whose time is over; libpq then gives up at once. Watching costs
a tuple in a dictionary, no system call.

Work that may take long (a batch, a list) does not wait for its own end where the server is silent: the same
thread has the breaker ask, and ends all waiting once the question has had no answer for half a second.
"""

import contextlib
import os
import socket
import threading
import time
from typing import NamedTuple

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from psycopg.pq import TransactionStatus

from gameproject.lib.postgresql.breaker import breaker

CHECK_EVERY_SECONDS = 0.1
SOONEST_SECONDS = 0.005
GRACE_SECONDS = 0.05  # the server's own timeouts speak first: they leave the connection whole
SUSPICIOUS_SECONDS = 0.25
SILENT_SECONDS = 0.5


class Watched(NamedTuple):
    """What a thread is doing. Times by the monotonic clock."""

    since: float
    until: float
    database: BaseDatabaseWrapper


class Watch:
    """The body of a `with` that is watched. A class, for a generator takes three times as long."""

    __slots__ = ("lock", "outer", "thread", "watched", "what")

    def __init__(self, lock: threading.Lock, watched: dict[int, Watched], what: Watched) -> None:
        self.lock, self.watched, self.what = lock, watched, what

    def __enter__(self) -> None:
        self.thread = threading.get_ident()
        self.outer = self.watched.get(self.thread)
        self.watched[self.thread] = self.what

    def __exit__(self, *_: object) -> None:
        with self.lock:
            if self.outer is None:
                del self.watched[self.thread]
            else:
                self.watched[self.thread] = self.outer


class Watchdog:
    """Shuts connections that are past their deadline. One a process, started with its first use."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self._watched: dict[int, Watched] = {}  # by thread
        self._thread: threading.Thread | None = None
        # Held by whoever closes a connection, and by the watchdog from its look to its shutdown: a closed
        # socket's number may belong to another connection.
        self.lock = threading.Lock()

    def watch(self, until: float, database: BaseDatabaseWrapper | None = None) -> "Watch":
        """Shut this thread's connection if the body is still running at `until` (of `time.monotonic`).

        Inside another `watch`, the inner one counts while it lasts; it is of the same database if none is given.
        """
        if self._thread is None:
            self._start()
        if database is None:
            outer = self._watched.get(threading.get_ident())
            database = connections[DEFAULT_DB_ALIAS] if outer is None else outer.database
        return Watch(self.lock, self._watched, Watched(time.monotonic(), until, database))

    def seconds_left(self) -> float | None:
        """Return what this thread has left, perhaps less than nothing; None if it is not watched."""
        watched = self._watched.get(threading.get_ident())
        return None if watched is None else watched.until - time.monotonic()

    def _start(self) -> None:
        with self.lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="postgresql-deadline", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        pause = CHECK_EVERY_SECONDS
        while True:
            time.sleep(pause)
            with self.lock:
                pause = self._look()

    def _look(self) -> float:
        """Shut what is due, and return the seconds until the next look."""
        now, soonest = time.monotonic(), CHECK_EVERY_SECONDS
        is_silent = breaker.silent_seconds() >= SILENT_SECONDS
        for since, until, database in list(self._watched.values()):
            left = until + GRACE_SECONDS - now
            if left <= 0 or (is_silent and now - since >= SILENT_SECONDS):
                _shut(database)
            elif now - since >= SUSPICIOUS_SECONDS and _is_waiting(database):
                breaker.suspect()
            soonest = min(soonest, max(left, SOONEST_SECONDS))
        return soonest


def _is_waiting(database: BaseDatabaseWrapper) -> bool:
    """Say whether a statement was sent and is not answered yet."""
    raw: psycopg.Connection | None = database.connection
    return raw is not None and raw.pgconn.transaction_status == TransactionStatus.ACTIVE


def _shut(database: BaseDatabaseWrapper) -> None:
    raw: psycopg.Connection | None = database.connection
    if raw is not None:
        with (
            contextlib.suppress(OSError, psycopg.Error),
            socket.socket(fileno=os.dup(raw.pgconn.socket)) as duplicate,
        ):
            duplicate.shutdown(socket.SHUT_RDWR)


watchdog = Watchdog()
os.register_at_fork(after_in_child=watchdog.reset)  # a forked child has the object but not its thread
