"""A deadline that holds even when PostgreSQL does not answer at all.

`statement_timeout` is the server's own promise: a stopped server, or a broken network, keeps none. So a
daemon thread shuts the socket of a connection whose time is over; libpq then gives up at once. Arming costs
a tuple in a dictionary, no system call.
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator

import psycopg

CHECK_EVERY_SECONDS = 0.1


class Watchdog:
    """Shuts connections that are past their deadline. One a process, started with its first use."""

    def __init__(self) -> None:
        self._armed: dict[int, tuple[float, int]] = {}  # thread → (deadline by the monotonic clock, socket)
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    @contextlib.contextmanager
    def watch(self, connection: "psycopg.Connection[object]", deadline: float) -> Iterator[None]:
        """Shut `connection` if the body is still running at `deadline` (seconds of `time.monotonic`)."""
        if self._thread is None:
            self._start()
        thread = threading.get_ident()
        self._armed[thread] = (deadline, connection.pgconn.socket)
        try:
            yield
        finally:
            # Under the lock the watchdog is not between its look and its shutdown: once it is disarmed, the
            # socket's number may belong to another connection.
            with self._lock:
                del self._armed[thread]

    def _start(self) -> None:
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="scoring-deadline", daemon=True)
                self._thread.start()

    def _run(self) -> None:
        while True:
            time.sleep(CHECK_EVERY_SECONDS)
            with self._lock:
                now = time.monotonic()
                for deadline, fileno in list(self._armed.values()):
                    if now >= deadline:
                        _shut(fileno)


def _shut(fileno: int) -> None:
    with contextlib.suppress(OSError), socket.socket(fileno=os.dup(fileno)) as duplicate:
        duplicate.shutdown(socket.SHUT_RDWR)


watchdog = Watchdog()


def _forget_thread() -> None:
    """A forked child has the object but not its thread."""
    global watchdog  # noqa: PLW0603  # one a process
    watchdog = Watchdog()


os.register_at_fork(after_in_child=_forget_thread)
