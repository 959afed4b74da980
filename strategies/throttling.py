"""How much one key and one player may ask for: a bucket each, in the memory of each web process.

There is no store that could be away or slow: a request costs about a microsecond here, and none waits.
The price is that processes do not know of each other. Each lets the whole limit through, so a key that
reaches n processes gets up to n times its limit. Dividing the limit among them would refuse clients that
keep within it, since a client with one connection talks to one process only. A throttle protects the others
from one client's runaway loop; it is no quota.

A bucket is one number, the time at which it will be full again (the generic cell rate algorithm): a request
moves it by 1/rate, and is refused if that were more than burst/rate ahead of now. A bucket whose time has
come is as good as none, so those are thrown away when there are many: what is left is what the last
burst/rate seconds have touched.
"""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

from django.conf import settings

from gameproject.lib.errors import Throttled
from strategies import metrics

if TYPE_CHECKING:
    from strategies.targets import Principal

MAX_BUCKETS: Final = 100_000


class Pace(NamedTuple):
    """One every so many seconds on average, and so many at once."""

    seconds_each: float
    burst: int


@dataclass(frozen=True, slots=True)
class Limit:
    """So many a second on average, and so many at once. A rate of 0 lets everything pass."""

    per_second: int
    burst: int

    @property
    def pace(self) -> Pace:
        return Pace(1 / self.per_second, self.burst)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a key may do, and what it may do for any one player."""

    key: Limit
    player: Limit


DEFAULT: Final = Limits(key=Limit(600, 1200), player=Limit(20, 100))


def limits_of_key(
    *, key_rate: int | None, key_burst: int | None, player_rate: int | None, player_burst: int | None
) -> Limits:
    """Fill in the defaults for what a key leaves open."""
    return Limits(
        key=Limit(_or(key_rate, DEFAULT.key.per_second), _or(key_burst, DEFAULT.key.burst)),
        player=Limit(_or(player_rate, DEFAULT.player.per_second), _or(player_burst, DEFAULT.player.burst)),
    )


def _or(value: int | None, default: int) -> int:
    return default if value is None else value


class Buckets:
    """The buckets of one kind. Safe for threads; `timer` gives seconds that never go back."""

    def __init__(self, timer: Callable[[], float] = time.monotonic, max_buckets: int = MAX_BUCKETS) -> None:
        self._timer = timer
        self._max_buckets = max_buckets
        self._full_at: dict[object, float] = {}
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._full_at)

    def take(self, name: object, pace: Pace) -> float:
        """Take one out of a bucket; return 0, or the seconds until one will be there if there is none."""
        now = self._timer()
        with self._lock:
            full_at = max(self._full_at.get(name, now), now) + pace.seconds_each
            wait = full_at - now - pace.burst * pace.seconds_each
            if wait > 1e-9:
                return wait
            if len(self._full_at) >= self._max_buckets:
                self._throw_full_ones_away(now)
            self._full_at[name] = full_at
        return 0.0

    def fill(self, name: object) -> None:
        """Put back what was taken."""
        with self._lock:
            self._full_at.pop(name, None)

    def clear(self) -> None:
        with self._lock:
            self._full_at.clear()

    def _throw_full_ones_away(self, now: float) -> None:
        self._full_at = {name: at for name, at in self._full_at.items() if at > now}
        if len(self._full_at) >= self._max_buckets:
            self._full_at.clear()  # lets too much pass once, rather than hold more or refuse somebody


_keys = Buckets()
_players = Buckets()


def admit_request(principal: "Principal") -> None:
    """Count a request of a key. Raises Throttled."""
    limit = principal.limits.key
    if settings.THROTTLING_ENABLED and limit.per_second:
        _require(_keys.take(principal.key_id, limit.pace), "key", limit)


def admit_event(principal: "Principal", external_user_id: str) -> None:
    """Count a request with one event: for its key, and for its player in the realm. Raises Throttled."""
    admit_request(principal)
    limit = principal.limits.player
    if settings.THROTTLING_ENABLED and limit.per_second:
        _require(_players.take((principal.realm_id, external_user_id), limit.pace), "player", limit)


def forget_all() -> None:
    _keys.clear()
    _players.clear()


def _require(wait_seconds: float, scope: str, limit: Limit) -> None:
    if wait_seconds:
        metrics.throttled(scope)
        raise Throttled(
            f"Over this {scope}'s limit of {limit.per_second} a second ({limit.burst} at once). "
            "Wait for as long as Retry-After says.",
            params={"scope": scope, "perSecond": limit.per_second, "burst": limit.burst},
            retry_after_seconds=math.ceil(wait_seconds),
        )
