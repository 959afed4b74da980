"""What is done to the service while it is under load. Each fault returns when it lasted.

A fault is told how large the drill is, and begins when a share of the events has been answered, not at a
time: a slow machine then meets it in the middle as well.
"""

import signal
import time
from collections.abc import Callable
from typing import NamedTuple

from ops.drills.load import Load
from ops.drills.service import Service

BETWEEN_KILLS_SECONDS = 0.5


class Lasted(NamedTuple):
    """A fault's beginning and end, by the monotonic clock."""

    began_at: float
    ended_at: float


Fault = Callable[[Service, Load, float], list[Lasted]]


def kill_workers(service: Service, load: Load, _seconds: float) -> list[Lasted]:
    """SIGKILL one web worker after the other, each as soon as the last one's successor serves."""
    lasted: list[Lasted] = []
    load.wait_until(0.1)
    while not lasted or (load.share_done() < 0.8 and load.is_running()):
        oldest = min(service.listening_workers(), key=lambda each: each.create_time())
        killed_at = time.monotonic()
        oldest.kill()
        oldest.wait(10)
        service.wait_for_workers()
        lasted.append(Lasted(killed_at, time.monotonic()))
        time.sleep(BETWEEN_KILLS_SECONDS)
    return lasted


def restart_postgres(service: Service, load: Load, _seconds: float) -> list[Lasted]:
    """A fast shutdown, as of a maintenance, twice."""
    return [
        _restart(service, load, share, lambda: service.end(service.postgres, signal.SIGINT))
        for share in (0.25, 0.6)
    ]


def crash_postgres(service: Service, load: Load, _seconds: float) -> list[Lasted]:
    """An immediate shutdown, then SIGKILL for all its processes at once; each is followed by recovery."""
    crashes: list[tuple[float, Callable[[], None]]] = [
        (0.25, lambda: service.end(service.postgres, signal.SIGQUIT)),
        (0.6, lambda: service.kill_all_of(service.postgres)),
    ]
    return [_restart(service, load, share, crash) for share, crash in crashes]


def _restart(service: Service, load: Load, share: float, end: Callable[[], None]) -> Lasted:
    load.wait_until(share)
    began_at = time.monotonic()
    end()
    service.start(service.postgres)
    return Lasted(began_at, time.monotonic())


def stop_postgres(service: Service, load: Load, seconds: float) -> list[Lasted]:
    """SIGSTOP all processes of PostgreSQL: it refuses nothing and answers nothing, as a hung host does."""
    load.wait_until(0.3)
    began_at = time.monotonic()
    everyone = service.suspend(service.postgres)
    time.sleep(seconds)
    service.resume(everyone)
    return [Lasted(began_at, time.monotonic())]


def kill_valkey(service: Service, load: Load, seconds: float) -> list[Lasted]:
    load.wait_until(0.2)
    began_at = time.monotonic()
    service.end(service.valkey, signal.SIGKILL)
    time.sleep(seconds)
    service.start(service.valkey)
    return [Lasted(began_at, time.monotonic())]


def stop_valkey(service: Service, load: Load, seconds: float) -> list[Lasted]:
    load.wait_until(0.2)
    began_at = time.monotonic()
    everyone = service.suspend(service.valkey)
    time.sleep(seconds)
    service.resume(everyone)
    return [Lasted(began_at, time.monotonic())]
