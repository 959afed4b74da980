"""A real worker or beat that is killed in the middle of a rollup and started again: the rows are the same."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import date, timedelta
from functools import partial
from pathlib import Path

import pytest
from django.db import connection, transaction
from redis import Redis

from gameproject.lib import clock
from gameproject.tests.conftest import database_url
from kpi import rolling_up
from kpi.models import DaySoFar, KpiMetrics, RollupProgress
from kpi.tests.past import Happened, Past
from observability.tests.conftest import redis, running_worker, wait_until
from ops.local import children
from strategies.models import Realm

__all__ = ["redis"]

Row = dict[str, object]
Start = Callable[[], AbstractContextManager["subprocess.Popen[bytes]"]]
DAYS_BACK = 10  # of the day in the middle, of 33


@pytest.fixture
def yesterday(transactional_db: None) -> date:
    """Two realms with a past; return the last day that is final everywhere."""
    now = clock.now()
    zones = ("Europe/Vienna", "America/New_York")
    realms = [Realm.objects.create(slug=f"r{n}", name=zone, time_zone=zone) for n, zone in enumerate(zones)]
    happened = [
        Happened(what, now - timedelta(days=n, hours=n % 7), n % 2, player=n % 3, points=n, status=500)
        for n in range(1, 30)
        for what in ("score", "action", "request", "failure")
    ]
    Past(realms, happened).store()
    return (now - timedelta(hours=6)).date() - timedelta(days=1)


def final_rows(through: date) -> list[Row]:
    rows = KpiMetrics.objects.filter(day__lte=through).order_by("day", "realm_id")
    return [
        {name: value for name, value in row.items() if name not in {"id", "rolled_up_at"}}
        for row in rows.values()
    ]


def undisturbed(through: date) -> list[Row]:
    """Roll up all that is due, once, and forget it again."""
    rolling_up.roll_up_due(clock.now())
    expected = final_rows(through)
    for model in (KpiMetrics, RollupProgress, DaySoFar):
        model._default_manager.all().delete()
    return expected


@contextlib.contextmanager
def held(day: date) -> Iterator[None]:
    """Keep whoever rolls that day up waiting in its transaction: a row of the day is there, and not committed."""
    with transaction.atomic():
        KpiMetrics.objects.create(
            realm=None, day=day, time_zone="UTC", is_provisional=True, rolled_up_at=clock.now()
        )
        yield
        transaction.set_rollback(True)


def is_waited_for() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'transactionid'")
        ((n,),) = cursor.fetchall()
    return bool(n)


@contextlib.contextmanager
def running_beat(schedule: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a beat that asks for a rollup every second."""
    celery = [sys.executable, "-m", "celery", "--quiet", "-A", "kpi.tests.busy_beat", "beat"]
    process = children.spawn(
        [*celery, "--schedule", str(schedule), "--pidfile", "", "--max-interval", "1"],
        environment={**os.environ, "DATABASE_URL": database_url()},
        output=subprocess.DEVNULL,
    )
    try:
        yield process
    finally:
        children.stop(process, stop_signal=signal.SIGTERM, seconds=10)


def all_done(yesterday: date) -> bool:
    """Is every watermark where it belongs, and the running day rolled up too?"""
    rows = list(RollupProgress.objects.values_list("final_through", "provisional_at"))
    return len(rows) == 3 and all(final and final >= yesterday and provisional for final, provisional in rows)


@pytest.mark.parametrize("killed", [("worker",), ("beat",), ("worker", "beat")], ids="+".join)
def test_killed_in_the_middle_and_started_again_gives_the_rows_of_an_undisturbed_rollup(
    yesterday: date, killed: tuple[str, ...], redis: Redis, tmp_path: Path
) -> None:
    expected = undisturbed(yesterday)
    middle = yesterday - timedelta(days=DAYS_BACK)
    start: dict[str, Start] = {
        "worker": partial(running_worker, "default", pool="prefork"),
        "beat": partial(running_beat, tmp_path / "schedule"),
    }
    with contextlib.ExitStack() as stack:
        with held(middle):
            running = {name: stack.enter_context(begin()) for name, begin in start.items()}
            wait_until(is_waited_for)
            for name in killed:
                children.signal_group(running[name], signal.SIGKILL)
                running[name].wait(10)
            through = RollupProgress.objects.get(realm=None).final_through
            assert through == middle - timedelta(days=1), "no watermark is ahead of the rows"
        for name in killed:
            stack.enter_context(start[name]())
        wait_until(lambda: all_done(yesterday), seconds=60)

    assert final_rows(yesterday) == expected
    assert len({row["day"] for row in expected}) >= 31
