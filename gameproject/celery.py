"""The Celery application, and what beat runs when, as data."""

import os
from typing import Final

from celery import Celery
from celery.signals import beat_init, task_prerun, worker_init
from django.core.exceptions import ImproperlyConfigured
from django.db import close_old_connections

from gameproject.lib import env

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "gameproject.settings")

app = Celery("gameproject")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

BEAT_SCHEDULE: Final[dict[str, dict[str, object]]] = {
    "heartbeat": {
        "task": "observability.tasks.heartbeat",
        "schedule": 60.0,
        "options": {"expires": 50},
    },
    "forget-old-uptime": {"task": "observability.tasks.forget_old_uptime", "schedule": 86400.0},
    "forget-old-sessions": {"task": "observability.tasks.forget_old_sessions", "schedule": 86400.0},
    "record-refusals": {"task": "observability.tasks.record_refusals", "schedule": 60.0},
    "keep-partitions": {"task": "observability.tasks.keep_partitions", "schedule": 3600.0},
    # Often, for days end at other times in other zones; what is not due yet costs a query or two.
    "roll-up": {"task": "kpi.tasks.roll_up_due", "schedule": 300.0, "options": {"expires": 290}},
}
app.conf.beat_schedule = BEAT_SCHEDULE


@worker_init.connect
@beat_init.connect
def require_settings(**_: object) -> None:
    """Stop a worker or beat that could do nothing. Not at import: every management command imports this."""
    try:
        env.require("SECRET_KEY", "DATABASE_URL", "REDIS_URL")
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from None  # Celery only logs what a signal's receiver raises


@task_prerun.connect
def keep_connection(**_: object) -> None:
    """Begin with the connection of the task before, unless PostgreSQL has closed it meanwhile.

    A new one for every task, as Celery has it, costs a small task ten times its work.
    """
    close_old_connections()
