"""Does PostgreSQL answer at all? Asked when somebody has waited suspiciously long; until it does, nobody else waits.

The question is libpq's own first one, "would you speak TLS?": one byte answers it, before any authentication,
and a busy server with no connection to spare answers it too. A refused connection is an answer as well: trying
to connect then costs nothing and fails by itself, so the first request after a restart gets through.
"""

import contextlib
import os
import socket
import struct
import threading
import time
from collections.abc import Callable

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections

ASK_AGAIN_SECONDS = 0.5  # after an answer, before the next suspicion is looked into
ANSWER_SECONDS = 2.0  # until the same is asked anew, on a connection of its own
# A server in good health answers in a few milliseconds: a request waits for that, rather than be refused for
# one connection that hung.
PATIENCE_SECONDS = 0.1
PAUSE_SECONDS = 0.1
SSL_REQUEST = struct.pack("!ii", 8, 80877103)


def server_answers() -> bool:
    """Ask every host of the database; a database without a host's name is taken to answer."""
    settings = connections.settings[DEFAULT_DB_ALIAS]
    hosts = [host for host in str(settings["HOST"]).split(",") if host]
    port = int(str(settings["PORT"]).partition(",")[0] or 5432)
    return not hosts or any(_answers(host, port) for host in hosts)


def _answers(host: str, port: int) -> bool:
    try:
        with _connect(host, port) as connection:
            connection.sendall(SSL_REQUEST)
            connection.recv(1)
    except (TimeoutError, BlockingIOError):  # the latter: a Unix socket whose queue is full
        return False
    except OSError:
        return True
    return True


def _connect(host: str, port: int) -> socket.socket:
    if not host.startswith("/"):
        return socket.create_connection((host, port), timeout=ANSWER_SECONDS)
    with contextlib.ExitStack() as on_error:
        connection = on_error.enter_context(socket.socket(socket.AF_UNIX))
        connection.settimeout(ANSWER_SECONDS)
        connection.connect(f"{host}/.s.PGSQL.{port}")
        on_error.pop_all()
    return connection


class Breaker:
    """Open from a suspicion until the server's answer: for a few milliseconds, or for as long as it is silent."""

    def __init__(self, answers: Callable[[], bool] = server_answers) -> None:
        self._answers = answers
        self.reset()

    def reset(self) -> None:
        self._lock = threading.Lock()
        self._answered = threading.Event()
        self._answered_at = float("-inf")
        self._asked_at: float | None = None  # the question that has no answer yet

    def suspect(self) -> None:
        """Ask whether the server answers, in a thread, until it does; unless that is being done, or just was."""
        with self._lock:
            now = time.monotonic()
            if self._asked_at is not None or now - self._answered_at < ASK_AGAIN_SECONDS:
                return
            self._answered.clear()
            self._asked_at = now
        threading.Thread(target=self._ask, name="postgresql-breaker", daemon=True).start()

    def silent_seconds(self) -> float:
        """Say for how long the server has not answered; 0 if it has."""
        asked_at = self._asked_at
        return 0.0 if asked_at is None else time.monotonic() - asked_at

    def require_answer(self) -> None:
        """Raise psycopg.OperationalError while the server is silent; wait a moment if it was only just asked."""
        if self._asked_at is None or self._answered.wait(max(0.0, PATIENCE_SECONDS - self.silent_seconds())):
            return
        raise psycopg.OperationalError(f"PostgreSQL has not answered for {self.silent_seconds():.1f} s")

    def _ask(self) -> None:
        while not self._answers():
            time.sleep(PAUSE_SECONDS)
        with self._lock:
            self._answered_at, self._asked_at = time.monotonic(), None
            self._answered.set()


breaker = Breaker()
os.register_at_fork(after_in_child=breaker.reset)  # a forked child has the object but not its thread
