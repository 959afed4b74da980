"""The service's Celery application, whose beat asks for rollups every second and for nothing else."""

from gameproject.celery import BEAT_SCHEDULE, app

app.conf.beat_schedule = {"roll-up": {**BEAT_SCHEDULE["roll-up"], "schedule": 1.0}}
