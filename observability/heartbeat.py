"""Proof that beat, broker and worker work together: once a minute something goes all the way.

Beat notes in the broker that it sends a heartbeat; the message carries when (observability/task_context.py); the worker
that runs it notes that one arrived. The proofs lie in the broker and not in a table, so that a database that is away does
not look like a worker that is.
"""

from typing import Final

from celery.signals import beat_init, before_task_publish
from django.conf import settings
from redis import Redis

TASK: Final = "observability.tasks.heartbeat"
STALE_SECONDS: Final = 180.0  # two may be late or lost
BEAT: Final = "heartbeat:beat"
WORKER: Final = "heartbeat:worker"
NOTE_TIMEOUT_SECONDS: Final = 1.0


def listen() -> None:
    """Called once, when Django is set up."""
    beat_init.connect(_note_what_beat_sends)


def arrived(sent_at: float) -> None:
    """Note that the worker has got the heartbeat that was sent then."""
    _note(WORKER, sent_at)


def worker_proved_at(client: Redis) -> float | None:
    """Return when the last heartbeat that arrived was sent, in seconds of the epoch."""
    return _noted(client, WORKER)


def beat_proved_at(client: Redis) -> float | None:
    """Return when beat last sent one."""
    return _noted(client, BEAT)


def _note_what_beat_sends(**_: object) -> None:
    before_task_publish.connect(_sent, sender=TASK)


def _sent(*, headers: dict[str, float], **_: object) -> None:
    _note(BEAT, headers["sent_at"])


def _note(key: str, at: float) -> None:
    with Redis.from_url(settings.REDIS_URL, socket_timeout=NOTE_TIMEOUT_SECONDS) as client:
        client.set(key, at)


def _noted(client: Redis, key: str) -> float | None:
    value = client.get(key)
    return None if value is None else float(value)
