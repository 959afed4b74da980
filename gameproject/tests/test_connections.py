"""Connections to PostgreSQL end with the threads that made them."""

import gc
import os
import threading
from collections.abc import Iterator

import psycopg
import pytest
from django.db import connection


@pytest.fixture
def without_garbage_collection() -> Iterator[None]:
    """A process that serves makes so little garbage that nobody comes by to collect it."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def n_sessions() -> int:
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()")
        return int(cursor.fetchone()[0])


@pytest.mark.usefixtures("without_garbage_collection")
def test_a_thread_that_ends_leaves_no_session(transactional_db: None) -> None:
    before = n_sessions()
    made: list[psycopg.Connection] = []

    def work() -> None:
        assert n_sessions() == before + 1
        made.append(connection.connection)

    for _ in range(3):
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    assert [raw.closed for raw in made] == [True] * 3


def test_a_forked_child_leaves_its_parents_session_alone(transactional_db: None) -> None:
    connection.ensure_connection()
    session = connection.connection.info.backend_pid
    child = os.fork()
    if child == 0:
        connection.connection = None
        from gameproject.lib.postgresql import base  # as the child's end would

        base._thread.connections.clear()
        os._exit(0)
    os.waitpid(child, 0)

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        assert cursor.fetchone()[0] == session
