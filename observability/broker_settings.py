"""Does the broker keep what it has taken? Asked when a worker starts, and told in its log."""

import logging
from collections.abc import Iterator, Mapping
from typing import Final

import redis
from celery.signals import worker_init
from django.conf import settings

logger = logging.getLogger(__name__)

TIMEOUT_SECONDS: Final = 2.0
WANTED: Final = {
    "maxmemory-policy": ("noeviction", "when its memory is full it throws waiting messages away"),
    "appendonly": ("yes", "what waits is lost when it is restarted"),
}


def wrong(found: Mapping[str, str]) -> Iterator[str]:
    """Say what is not as it should be; a setting that is not told is not judged."""
    for name, (wanted, otherwise) in WANTED.items():
        if found.get(name, wanted) != wanted:
            yield f"the broker's {name} is {found[name]}, not {wanted}: {otherwise}"


def look(**_: object) -> None:
    """Log what is wrong with the broker. One that is away, or tells its settings to nobody, is not a fault here."""
    client = redis.Redis.from_url(
        settings.REDIS_URL,
        socket_timeout=TIMEOUT_SECONDS,
        socket_connect_timeout=TIMEOUT_SECONDS,
        decode_responses=True,
    )
    try:
        with client:
            found: dict[str, str] = client.config_get(*WANTED)  # type: ignore[assignment]  # no client of asyncio
    except redis.RedisError as error:
        logger.warning("the broker's settings are not known: %s", error)
        return
    for fault in wrong(found):
        logger.error(fault)


def listen() -> None:
    """Look when a worker starts. Called once, when Django is set up."""
    worker_init.connect(look)
