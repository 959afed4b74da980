"""What the service needs, as it is: asked, proved by heartbeats, and written down every minute."""

import time
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.test import Client
from pytest_django import Settings
from redis import Redis

from gameproject.lib import clock
from observability import health, heartbeat, tasks, uptime
from observability.models import UptimeLogs
from strategies.tests.conftest import World

NOON = datetime(2026, 11, 22, 12, 0, 30, tzinfo=UTC)


def by_name() -> dict[str, health.Check]:
    return {check.name: check for check in health.all_checks()}


@pytest.mark.django_db
def test_worker_and_beat_are_down_until_a_heartbeat_has_been_seen(redis: Redis) -> None:
    found = by_name()

    assert (found["database"].ok, found["broker"].ok) == (True, True)
    assert (found["worker"].ok, found["beat"].ok) == (False, False)
    assert found["worker"].reason == "no heartbeat of worker was ever seen"


@pytest.mark.django_db
def test_a_heartbeat_proves_the_worker_for_three_minutes(redis: Redis) -> None:
    heartbeat.arrived(time.time() - heartbeat.STALE_SECONDS + 5)
    assert by_name()["worker"].ok

    heartbeat.arrived(time.time() - heartbeat.STALE_SECONDS - 5)
    stale = by_name()["worker"]
    assert (stale.ok, stale.reason) == (False, "the last heartbeat of worker is 185 s old")


@pytest.mark.django_db
def test_a_silent_broker_costs_two_seconds_at_most_and_says_why(settings: Settings, silent_url: str) -> None:
    settings.REDIS_URL = silent_url
    began = time.monotonic()

    found = by_name()

    assert time.monotonic() - began < 2.5
    assert not any(found[name].ok for name in ("broker", "worker", "beat"))
    assert found["beat"].reason == "the broker is away, and the proof lies there"


@pytest.mark.django_db
def test_a_balancer_need_not_take_scoring_down_with_the_broker(
    client: Client, settings: Settings, refused_url: str
) -> None:
    settings.REDIS_URL = refused_url

    assert client.get("/readyz").status_code == 503
    answer = client.get("/readyz?for=scoring")

    assert (answer.status_code, list(answer.json()["dependencies"])) == (200, ["database"])


@pytest.mark.django_db
def test_a_heartbeat_writes_a_row_for_each_dependency_once_a_minute(redis: Redis) -> None:
    tasks.heartbeat()
    tasks.heartbeat()

    rows = UptimeLogs.objects.all()
    minutes = {row.minute for row in rows}
    assert {(row.dependency, row.status) for row in rows} == {(name, "up") for name in health.DEPENDENCIES}
    assert len(rows) == 4 * len(minutes)
    assert {(minute.second, minute.microsecond) for minute in minutes} == {(0, 0)}


def write_minutes(n_minutes: int, *, status: str = "up", since: datetime) -> None:
    UptimeLogs.objects.bulk_create(
        UptimeLogs(minute=since + timedelta(minutes=n), dependency="database", status=status, milliseconds=1)
        for n in range(n_minutes)
    )


@pytest.mark.django_db
def test_missing_minutes_and_bad_ones_are_downtime() -> None:
    midnight = NOON.replace(hour=0, minute=0, second=0)
    write_minutes(600, since=midnight)  # then none for an hour
    write_minutes(30, since=midnight + timedelta(minutes=660), status="down")
    write_minutes(30, since=midnight + timedelta(minutes=690))

    assert uptime.share("database", NOON.date(), NOON) == pytest.approx(630 / 720)


@pytest.mark.django_db
def test_a_day_counts_from_the_first_minute_that_anybody_looked() -> None:
    assert uptime.share("database", NOON.date(), NOON) is None

    write_minutes(10, since=NOON.replace(minute=0, second=0) - timedelta(minutes=10))

    assert uptime.share("database", NOON.date(), NOON) == 1.0
    assert uptime.share("database", date(2026, 11, 21), NOON) is None


@pytest.mark.django_db
def test_old_rows_are_forgotten() -> None:
    write_minutes(2, since=NOON.replace(second=0) - timedelta(days=uptime.DAYS_KEPT))

    assert uptime.forget_old(NOON) == 1
    assert UptimeLogs.objects.count() == 1


@pytest.mark.django_db
def test_sessions_that_have_run_out_are_forgotten() -> None:
    for key, days in (("over", -1), ("valid", 1)):
        Session.objects.create(session_key=key, expire_date=clock.now() + timedelta(days=days))

    tasks.forget_old_sessions()

    assert [session.session_key for session in Session.objects.all()] == ["valid"]


def test_the_health_check_says_how_each_dependency_is(world: World, redis: Redis) -> None:
    tasks.heartbeat()
    answer: dict[str, Any] = world.get("/kpi/health_check").json()

    assert answer["status"] == "degraded"
    assert {name: each["status"] for name, each in answer["dependencies"].items()} == {
        "database": "up",
        "broker": "up",
        "worker": "up",
        "beat": "down",
    }
    assert answer["dependencies"]["beat"]["reason"] == "no heartbeat of beat was ever seen"
