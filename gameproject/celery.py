"""The Celery application, and what beat runs when, as data."""

import os
from typing import Final

from celery import Celery

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
}
app.conf.beat_schedule = BEAT_SCHEDULE
