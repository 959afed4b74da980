"""What could be read in a short time, or that it is not known: a page never waits for one figure."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import redis
from django.db import Error

from gameproject.lib.postgresql.timeouts import StatementTimeout, statement_timeout

T = TypeVar("T")
SECONDS: Final = 0.25


@dataclass(frozen=True, slots=True)
class Known(Generic[T]):
    """A value, or why there is none."""

    value: T | None = None
    why_not: str = ""

    @property
    def is_known(self) -> bool:
        return not self.why_not


def read(ask: Callable[[], T], *, seconds: float = SECONDS) -> Known[T]:
    """Read something from the database, each statement within so long."""
    try:
        with statement_timeout(seconds):
            return Known(ask())
    except StatementTimeout:
        return Known(why_not=f"it took over {seconds * 1000:.0f} ms")
    except Error:
        return Known(why_not="the database did not answer")


def read_broker(ask: Callable[[], T]) -> Known[T]:
    """Read something from the broker, within the timeout of its client."""
    try:
        return Known(ask())
    except (redis.RedisError, OSError):
        return Known(why_not="the broker did not answer")
