"""What Celery's tasks do: how many, how long, and when one last succeeded."""

import time
from typing import Any, Final

from celery import Task, current_app
from celery.signals import task_postrun, task_prerun, worker_init
from prometheus_client import Counter, Gauge, Histogram

STATUSES: Final = ("success", "failure", "retry", "rejected", "ignored")

TASKS = Counter(
    "scoring_task_total",
    "Celery tasks: `success`, `failure`, `retry`, `rejected`, `ignored`.",
    ["task", "status"],
)
DURATION = Histogram(
    "scoring_task_duration_seconds",
    "From the start of a task to its end.",
    ["task"],
    buckets=(0.01, 0.05, 0.25, 1, 5, 30, 60, 300),
)
LAST_SUCCESS = Gauge(
    "scoring_task_last_success_timestamp_seconds",
    "When a task last succeeded.",
    ["task"],
    multiprocess_mode="max",
)
_began_at: dict[str, float] = {}


def listen() -> None:
    """Called once, when Django is set up."""
    worker_init.connect(_begin_at_zero)
    task_prerun.connect(_begin)
    task_postrun.connect(_end)


def _begin_at_zero(**_: object) -> None:
    for name in current_app.tasks:
        if not name.startswith("celery."):
            DURATION.labels(name)
            for status in STATUSES:
                TASKS.labels(name, status)


def _begin(*, task_id: str, **_: object) -> None:
    _began_at[task_id] = time.perf_counter()


def _end(*, task_id: str, task: Task[..., Any], state: str | None, **_: object) -> None:
    """Count a run. A state that Celery does not name is a failure that it could not handle."""
    status = (state or "failure").lower()
    TASKS.labels(task.name, status if status in STATUSES else "failure").inc()
    DURATION.labels(task.name).observe(time.perf_counter() - _began_at.pop(task_id))
    if status == "success":
        LAST_SUCCESS.labels(task.name).set_to_current_time()
