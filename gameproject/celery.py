"""The Celery application, and what beat runs when, as data."""

import os
from typing import Final

from celery import Celery
from celery.signals import beat_init, worker_init
from django.core.exceptions import ImproperlyConfigured

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
    "keep-partitions": {"task": "observability.tasks.keep_partitions", "schedule": 3600.0},
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
