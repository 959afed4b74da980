"""A broker that may lose what it has taken is told of when a worker starts."""

import logging

import pytest
from pytest_django import Settings
from redis import Redis

from observability import broker_settings


def messages(caplog: pytest.LogCaptureFixture) -> list[tuple[int, str]]:
    return [(each.levelno, each.getMessage()) for each in caplog.records if "broker" in each.name]


def test_the_servers_of_make_run_keep_what_they_have_taken(
    redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    broker_settings.look()
    assert messages(caplog) == []


@pytest.mark.parametrize(
    ("name", "bad", "good"), [("maxmemory-policy", "allkeys-lru", "noeviction"), ("appendonly", "no", "yes")]
)
def test_a_broker_that_may_lose_messages_is_an_error(
    redis: Redis, caplog: pytest.LogCaptureFixture, name: str, bad: str, good: str
) -> None:
    redis.config_set(name, bad)
    try:
        broker_settings.look()
    finally:
        redis.config_set(name, good)
    ((level, message),) = messages(caplog)
    assert level == logging.ERROR
    assert message.startswith(f"the broker's {name} is {bad}, not {good}")


def test_a_broker_that_is_away_is_no_reason_not_to_start(
    refused_url: str, settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    settings.REDIS_URL = refused_url
    broker_settings.look()
    ((level, _message),) = messages(caplog)
    assert level == logging.WARNING
