"""The worker's task: reads old messages, waits for the database, puts aside what nobody can store."""

import json
from pathlib import Path
from typing import Any

import psycopg
import pytest
from celery.exceptions import Reject
from django.db import connection
from redis import Redis

from observability import dead_letters, tasks
from observability.models import StrategyExecutionLog
from observability.tests.test_trace_queue import booked

# As release 0.1 sent it. A release that cannot read it would lose what waits while it is rolled out.
OLD_MESSAGE = Path(__file__).with_name("message_format_1.json")


@pytest.fixture
def message() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(OLD_MESSAGE.read_text())
    return read


def changed(message: dict[str, Any], **values: object) -> dict[str, Any]:
    """Change a field of the message's first row."""
    rows = [json.loads(row) for row in message["rows"]]
    rows[0] |= values
    return {**message, "rows": [json.dumps(row) for row in rows]}


def test_a_message_of_format_1_is_stored(transactional_db: None, message: dict[str, Any]) -> None:
    tasks.store_executions(message)

    stored = {row.kind: row for row in StrategyExecutionLog.objects.all()}
    assert set(stored) == {"sampled", "error"}
    assert stored["sampled"].facts["task.measurements_count"] == 0
    assert stored["error"].trace[-1]["error"] == stored["error"].code == "DSL_ASSIGN_POINTS_NOT_NUMBER"


def test_a_row_may_have_fields_that_this_release_does_not_know(
    transactional_db: None, message: dict[str, Any]
) -> None:
    tasks.store_executions(changed(message, moodOfThePlayer="good"))
    assert StrategyExecutionLog.objects.count() == 2


@pytest.mark.parametrize(
    "change", [{"format": 2}, {"rows": ["{}", "{}"]}, {"rows": ["no json", "no json"]}], ids=str
)
def test_what_cannot_be_read_is_put_aside(
    transactional_db: None, redis: Redis, message: dict[str, Any], change: dict[str, Any]
) -> None:
    with booked(persist_failed=2):
        tasks.store_executions({**message, **change})

    (letter,), _ = dead_letters.newest()
    assert letter.message == {**message, **change}
    assert letter.reason


def test_a_row_that_the_database_refuses_is_put_aside_and_the_others_are_stored(
    transactional_db: None, redis: Redis, message: dict[str, Any]
) -> None:
    with booked(persist_failed=1):
        tasks.store_executions(changed(message, externalUserId="x" * 201))

    assert StrategyExecutionLog.objects.count() == 1
    assert redis.llen(dead_letters.KEY) == 1


def test_the_list_of_what_was_put_aside_has_an_end(
    transactional_db: None, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dead_letters, "MAX_LETTERS", 3)
    for _ in range(5):
        tasks.store_executions({"format": 0, "rows": []})
    assert redis.llen(dead_letters.KEY) == 3


def test_a_message_goes_back_to_the_queue_when_the_database_stays_away(
    transactional_db: None, message: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "RETRY_SECONDS", (0.0, 0.0))
    connection.close()
    with monkeypatch.context() as away:
        away.setitem(connection.settings_dict, "NAME", "no_such_database")
        with pytest.raises(Reject):
            tasks.store_executions(message)


def test_a_lost_connection_is_not_a_lost_trace(transactional_db: None, message: dict[str, Any]) -> None:
    connection.ensure_connection()
    raw = connection.connection
    with psycopg.connect(raw.info.dsn, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", [raw.info.backend_pid])

    tasks.store_executions(message)

    assert StrategyExecutionLog.objects.count() == 2
