"""No request waits long for a PostgreSQL that does not answer; a server that refuses, or is back, is not silent."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator

import psycopg
import pytest
from django.conf import settings
from django.db import OperationalError, connection
from django.test import Client

from gameproject.lib.postgresql import breaker as breakers
from gameproject.lib.postgresql.breaker import Breaker, breaker
from gameproject.lib.postgresql.deadline import watchdog
from strategies.tests.conftest import World


@pytest.fixture
def silent_port() -> Iterator[int]:
    """Listen and never say a word: the kernel accepts, nobody answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def suspected() -> Iterator[list[bool]]:
    """Record the suspicions of the process's breaker instead of looking into them."""
    told: list[bool] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(breaker, "suspect", lambda: told.append(True))
        yield told


def test_a_new_connection_takes_no_longer_than_its_request_may(
    silent_port: int, suspected: list[bool], transactional_db: None
) -> None:
    database = connection.copy()
    database.settings_dict.update(HOST="127.0.0.1", PORT=str(silent_port))
    started = time.monotonic()

    with watchdog.watch(time.monotonic() + 0.2, database), pytest.raises(OperationalError, match="within"):
        database.ensure_connection()

    assert time.monotonic() - started < 1.0, "libpq alone would wait for 2 s"
    assert suspected == [True]


def test_a_long_request_stops_connecting_when_the_server_is_known_to_be_silent(
    silent_port: int, transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker, "_answers", lambda: False)
    database = connection.copy()
    database.settings_dict.update(HOST="127.0.0.1", PORT=str(silent_port))
    started = time.monotonic()
    try:
        with watchdog.watch(started + 60, database), pytest.raises(OperationalError, match="within"):
            database.ensure_connection()
        assert 0.5 < time.monotonic() - started < 1.5, "and not the 2 s of its connect_timeout"
    finally:
        monkeypatch.undo()
        assert breaker._answered.wait(5)


def test_a_silent_server_is_told_from_one_that_answers_or_refuses(
    silent_port: int, monkeypatch: pytest.MonkeyPatch, transactional_db: None
) -> None:
    monkeypatch.setattr(breakers, "ANSWER_SECONDS", 0.2)

    assert breakers.server_answers(), "the tests' own server, over its Unix socket"
    assert breakers._answers("127.0.0.1", 1), "nobody listens: a refusal is an answer"
    assert not breakers._answers("127.0.0.1", silent_port)


def test_a_breaker_refuses_from_the_suspicion_to_the_answer() -> None:
    answers = threading.Event()
    tried = Breaker(lambda: answers.wait(0.05))

    tried.require_answer()
    tried.suspect()
    with pytest.raises(psycopg.OperationalError, match="has not answered"):
        tried.require_answer()
    answers.set()
    assert tried._answered.wait(5)

    tried.require_answer()
    assert tried.silent_seconds() == 0


def test_a_suspicion_of_a_healthy_server_makes_a_request_wait_and_not_fail() -> None:
    tried = Breaker(lambda: not threading.Event().wait(0.02))
    tried.suspect()

    tried.require_answer()


def test_a_lists_statement_ends_when_the_server_is_known_to_be_silent(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own deadline is far away."""
    connection.ensure_connection()
    pid = connection.connection.info.backend_pid
    monkeypatch.setattr(breaker, "_answers", lambda: False)
    os.kill(pid, signal.SIGSTOP)
    started = time.monotonic()
    try:
        with watchdog.watch(started + 60), pytest.raises(OperationalError), connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        assert 0.5 < time.monotonic() - started < 3
    finally:
        os.kill(pid, signal.SIGCONT)
        monkeypatch.undo()
        assert breaker._answered.wait(5)
    connection.close()


def test_a_connection_that_the_server_closed_is_not_used_for_the_next_request(transactional_db: None) -> None:
    connection.ensure_connection()
    raw = connection.connection
    connection.close_if_unusable_or_obsolete()
    assert connection.connection is raw, "a resting connection is kept"
    with psycopg.connect(raw.info.dsn, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [raw.info.backend_pid])

    connection.close_if_unusable_or_obsolete()

    assert connection.connection is None
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")


def test_readiness_takes_a_second_for_a_broker_that_is_silent(
    world: World, silent_port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Client().get("/readyz").status_code == 200
    monkeypatch.setattr(settings, "REDIS_URL", f"redis://127.0.0.1:{silent_port}/0")
    started = time.monotonic()

    unready = Client().get("/readyz")

    assert unready.status_code == 503
    assert 0.9 < time.monotonic() - started < 2.0
    assert unready.json()["dependencies"]["database"]["ok"] is True
