"""Half a second, and not more: a coded 503 that is safe to repeat, whatever PostgreSQL does."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from typing import Any, ClassVar

import psycopg
import pytest
from django.db import connection
from pytest_django import Settings

from strategies import execution, ledger
from strategies.execution import Execution
from strategies.models import Score
from strategies.tests.conftest import World, data_program


class Recorder:
    """An observer that keeps what it is told."""

    told: ClassVar[list[Execution]] = []

    def record(self, execution: Execution) -> None:
        self.told.append(execution)


@pytest.fixture(autouse=True)
def told(settings: Settings) -> list[Execution]:
    settings.SCORING_DEADLINE_SECONDS = 0.5
    settings.STRATEGY_OBSERVERS = [f"{__name__}.Recorder"]
    Recorder.told.clear()
    return Recorder.told


@contextlib.contextmanager
def player_locked_elsewhere() -> Iterator[None]:
    with psycopg.connect(**connection_parameters()) as other:
        other.execute("SELECT FROM strategies_playergamestats FOR UPDATE")
        yield


@contextlib.contextmanager
def backend_stopped() -> Iterator[None]:
    """Stop the server process of this thread's connection, as a hung host or a lost network would look."""
    connection.ensure_connection()
    pid = connection.connection.info.backend_pid
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def connection_parameters() -> dict[str, Any]:
    settings = connection.settings_dict
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    return {name: settings[key] for name, key in names.items() if settings[key]}


def test_a_lock_that_is_not_given_is_503_in_time(world: World, told: list[Execution]) -> None:
    world.task("t1")
    world.score()

    with player_locked_elsewhere():
        started = time.monotonic()
        refused = world.score(key="k")
        seconds = time.monotonic() - started

    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "DSL_TIMEOUT")
    assert refused.headers["Retry-After"] == "1"
    assert 0.4 < seconds < 1.5
    assert [run.status for run in told] == ["ok", "timeout"]
    assert world.score(key="k").status_code == 201
    assert Score.objects.count() == 2


def test_a_server_that_does_not_answer_is_503_in_time(world: World, told: list[Execution]) -> None:
    world.task("t1")
    world.score()

    with backend_stopped():
        started = time.monotonic()
        refused = world.score(key="k")
        seconds = time.monotonic() - started

    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "DSL_TIMEOUT")
    assert 0.4 < seconds < 1.5
    assert told[-1].code == "DSL_TIMEOUT"
    assert world.score(key="k").status_code == 201, "the connection was thrown away, the next one works"


def test_a_lost_connection_is_repaired_without_the_client_noticing(world: World) -> None:
    world.task("t1")
    world.score()
    with psycopg.connect(**connection_parameters(), autocommit=True) as other:
        other.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )

    assert world.score().status_code == 201


@pytest.mark.parametrize("step", ["write", "write_if_unchanged", "write_unseen"])
@pytest.mark.parametrize(("key", "status"), [("k", 200), (None, 503)])
def test_a_connection_lost_after_the_commit_was_sent(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str, key: str | None, status: int
) -> None:
    """With a key the stored score is found on the second try; without one nobody can know, and so it says."""
    world.task("t1", world.strategy("Data", data_program()) if step == "write_unseen" else None)
    world.score(data={"minutes": 1})
    write = getattr(ledger, step)

    def write_and_lose(*args: Any, **kwargs: Any) -> None:
        write(*args, **kwargs)
        monkeypatch.setattr(ledger, step, write)
        raise psycopg.OperationalError("the network is gone")

    monkeypatch.setattr(ledger, step, write_and_lose)
    answer = world.score("ben" if step == "write" else "ana", key=key, data={"minutes": 1})

    assert answer.status_code == status
    assert Score.objects.count() == 2
    if status == 503:
        assert answer.json()["error"]["code"] == "OUTCOME_UNKNOWN"
    else:
        assert answer.json()["replayed"] is True


@pytest.mark.parametrize("step", ["lock", "look", "write_if_unchanged", "write_unseen"])
def test_deadlocks_are_tried_again_and_then_said(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    world.task("t1", world.strategy("Data", data_program()) if step == "write_unseen" else None)
    world.score(data={"minutes": 1})
    player = "ben" if step == "lock" else "ana"
    call = getattr(ledger, step)
    failures = iter([psycopg.errors.DeadlockDetected("a"), psycopg.errors.DeadlockDetected("b")])

    def call_after_failures(*args: Any, **kwargs: Any) -> object:
        for failure in failures:
            raise failure
        return call(*args, **kwargs)

    monkeypatch.setattr(ledger, step, call_after_failures)
    assert world.score(player, data={"minutes": 1}).status_code == 201

    def always(*_args: object, **_kwargs: object) -> object:
        raise psycopg.errors.DeadlockDetected("always")

    monkeypatch.setattr(ledger, step, always)
    refused = world.score("carl" if step == "lock" else "ana", data={"minutes": 1})
    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "DATABASE_BUSY")


def test_what_the_server_has_rolled_back_is_known(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A write that failed, then a connection lost while reading: nothing was stored, so the event is tried again."""
    world.task("t1")
    world.score()
    failures: dict[str, psycopg.Error | None] = {
        "write_if_unchanged": psycopg.errors.DeadlockDetected("a"),
        "look": None,
    }

    def failing(step: str) -> None:
        call = getattr(ledger, step)

        def call_after_failure(*args: Any, **kwargs: Any) -> object:
            failure, failures[step] = failures[step], None
            if isinstance(failure, psycopg.errors.DeadlockDetected):
                failures["look"] = psycopg.OperationalError("the network is gone")
            if failure is not None:
                raise failure
            return call(*args, **kwargs)

        monkeypatch.setattr(ledger, step, call_after_failure)

    failing("write_if_unchanged")
    failing("look")

    assert world.score().status_code == 201
    assert Score.objects.count() == 2


def test_an_observer_that_fails_is_never_felt(
    world: World, told: list[Execution], settings: Settings
) -> None:
    settings.STRATEGY_OBSERVERS = [f"{__name__}.Failing", f"{__name__}.Recorder"]
    world.task("t1")

    assert world.score().status_code == 201

    assert len(told) == 1
    assert told[0].format == execution.EXECUTION_FORMAT


class Failing:
    def record(self, execution: Execution) -> None:
        raise RuntimeError("an observer's own trouble")
