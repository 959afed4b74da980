"""Many requests at the same moment, each in a thread of its own with a connection of its own."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connection

T = TypeVar("T")


def at_once(n: int, call: Callable[[int], T]) -> list[T]:
    """Call `call(0) … call(n - 1)` in n threads that begin together."""
    barrier = threading.Barrier(n)

    def run(index: int) -> T:
        try:
            connection.ensure_connection()
            barrier.wait(timeout=30)
            return call(index)
        finally:
            connection.close()

    with ThreadPoolExecutor(max_workers=n) as pool:
        return list(pool.map(run, range(n)))
