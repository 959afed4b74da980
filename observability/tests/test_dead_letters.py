"""What could not be stored is looked at, put back or deleted by operators."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from pytest_django import Settings
from redis import Redis

from observability import dead_letters, tasks, trace_messages
from observability.models import Logs, StrategyExecutionLog
from observability.tests.kept import store_what_waits
from observability.tests.test_store_executions import changed, message

__all__ = ["message"]


@pytest.fixture
def staff(transactional_db: None) -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("admin"))
    return client


def take(staff: Client, do: str, *, confirmed: bool = True) -> Any:
    letters, _n = dead_letters.newest()
    chosen = {"do": do, "letters": [letter.id for letter in letters]}
    data = {**chosen, "confirmed": "yes"} if confirmed else chosen
    return staff.post(reverse("dead_letters"), data, follow=True)


def test_the_page_says_when_and_why(staff: Client, redis: Redis, message: dict[str, Any]) -> None:
    tasks.store_executions({**message, "format": 9})
    page = staff.get(reverse("dead_letters")).content.decode()
    assert "format 9 is not known" in page
    assert '<td class="number">2</td>' in page


def test_nothing_is_taken_before_it_is_confirmed(
    staff: Client, redis: Redis, message: dict[str, Any]
) -> None:
    tasks.store_executions({**message, "format": 9})
    assert "Delete 1 message?" in take(staff, "delete", confirmed=False).content.decode()
    assert redis.llen(dead_letters.KEY) == 1


def test_a_row_that_was_refused_is_stored_when_it_is_put_back_and_the_cause_is_mended(
    staff: Client, redis: Redis, message: dict[str, Any]
) -> None:
    tasks.store_executions(changed(message, externalUserId="x" * 201))
    assert StrategyExecutionLog.objects.count() == 1
    (letter,), _n = dead_letters.newest()
    redis.delete(dead_letters.KEY)
    mended = changed(letter.message, externalUserId="ana")
    dead_letters.put_aside(mended, reason=letter.reason)

    page = take(staff, "put_back").content.decode()
    store_what_waits(redis)

    assert "1 message put back into the queue." in page
    assert StrategyExecutionLog.objects.count() == 2
    assert redis.llen(dead_letters.KEY) == 0
    assert Logs.objects.get(event="traces.put_back").staff_user == "admin"


def test_what_is_deleted_is_gone_and_written_down(
    staff: Client, redis: Redis, message: dict[str, Any]
) -> None:
    for n in (8, 9):
        tasks.store_executions({**message, "format": n})
    assert "2 messages deleted." in take(staff, "delete").content.decode()
    assert redis.llen(dead_letters.KEY) == redis.llen(trace_messages.QUEUE) == 0
    assert Logs.objects.get(event="traces.deleted").details["n_messages"] == 2


def test_a_choice_that_is_gone_is_said(staff: Client, redis: Redis, message: dict[str, Any]) -> None:
    tasks.store_executions({**message, "format": 9})
    data = {"do": "delete", "letters": ["gone"], "confirmed": "yes"}
    assert "Choose at least one" in staff.post(reverse("dead_letters"), data).content.decode()
    assert redis.llen(dead_letters.KEY) == 1


@pytest.mark.parametrize("url", ["refused_url", "silent_url"])
def test_a_redis_that_is_away_is_said(
    staff: Client,
    settings: Settings,
    request: pytest.FixtureRequest,
    url: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(dead_letters, "TIMEOUT_SECONDS", 0.2)
    settings.REDIS_URL = request.getfixturevalue(url)
    assert "Redis does not answer" in staff.get(reverse("dead_letters")).content.decode()


def test_an_empty_list_says_so(staff: Client, redis: Redis) -> None:
    assert "Nothing was put aside." in staff.get(reverse("dead_letters")).content.decode()
