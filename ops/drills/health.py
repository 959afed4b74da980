"""A balancer's view: /healthz and /readyz, asked all the time."""

import http.client
import threading
import time
from typing import NamedTuple, Self

from ops.drills.service import Service

EVERY_SECONDS = 0.25


class Seen(NamedTuple):
    path: str
    at: float  # of the monotonic clock, when it was asked
    status: int  # 0: the connection was lost
    seconds: float


class Watcher:
    """Asks in a thread for as long as the context lasts."""

    def __init__(self, service: Service) -> None:
        self.seen: list[Seen] = []
        self._service = service
        self._end = threading.Event()
        self._threads = [
            threading.Thread(target=self._run, args=(path,), daemon=True) for path in ("/healthz", "/readyz")
        ]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        for thread in self._threads:
            thread.join()

    def _run(self, path: str) -> None:
        while not self._end.wait(EVERY_SECONDS):
            at = time.monotonic()
            try:
                status, _body = self._service.call("GET", path)
            except (OSError, http.client.HTTPException):
                status = 0
            self.seen.append(Seen(path, at, status, time.monotonic() - at))
