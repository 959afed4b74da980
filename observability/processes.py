"""What every process of the service does when it starts, whatever its role."""

import threading
import time
from pathlib import Path
from typing import Final, Literal

from celery.signals import beat_init, worker_init, worker_process_init
from django.contrib.auth.signals import user_login_failed
from prometheus_client import Gauge

from gameproject.lib import tallies
from observability import metrics_server, observer, sentry, settings_audit
from strategies import metrics

Role = Literal["web", "worker", "beat"]
ROLES: Final = ("web", "worker", "beat")
MEMORY_EVERY_SECONDS: Final = 15.0
PAGES: Final = Path("/proc/self/statm")  # Linux; elsewhere the figure is absent
PAGE_BYTES: Final = 4096

MEMORY = Gauge(
    "scoring_process_memory_bytes",
    "Memory of the largest process: `web`, `worker`, `beat`. Linux only.",
    ["role"],
    multiprocess_mode="livemax",
)
STARTED = Gauge(
    "scoring_process_start_time_seconds",
    "When the oldest process that lives started.",
    ["role"],
    multiprocess_mode="livemin",
)


def start_web() -> None:
    """Get ready before the first request: it is not to wait for connections."""
    _start("web")
    # In a thread: a name server that is silent must not hold up the start.
    threading.Thread(target=observer.trace_queue().warm_up, name="warm-up", daemon=True).start()
    threading.Thread(
        target=settings_audit.record_at_start, args=("web",), name="settings", daemon=True
    ).start()


def listen() -> None:
    """Start workers and beat when Celery says so; count refused log-ins. Called once, when Django is set up."""
    worker_init.connect(_start_worker)
    worker_process_init.connect(_start_child)
    beat_init.connect(_start_beat)
    user_login_failed.connect(_count_refused_login)


def _start_worker(**_: object) -> None:
    _start("worker")
    settings_audit.record_at_start("worker")
    metrics_server.start()


def _start_child(**_: object) -> None:
    """A pool's process: forked, so that Sentry and the metrics' server are its parent's."""
    _show_process("worker")


def _start_beat(**_: object) -> None:
    _start("beat")
    settings_audit.record_at_start("beat")
    metrics_server.start()


def _start(role: Role) -> None:
    sentry.start(role)
    _show_process(role)


def _show_process(role: Role) -> None:
    STARTED.labels(role).set_to_current_time()
    tallies.start()
    if PAGES.exists():
        threading.Thread(target=_show_memory, args=(role,), name="memory", daemon=True).start()


def _show_memory(role: Role) -> None:
    while True:
        MEMORY.labels(role).set(int(PAGES.read_text().split()[1]) * PAGE_BYTES)
        time.sleep(MEMORY_EVERY_SECONDS)


def _count_refused_login(**_: object) -> None:
    metrics.refused("admin")
