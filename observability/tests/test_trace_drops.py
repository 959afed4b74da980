"""What was lost is told later, once, with its minute and its reason."""

from datetime import datetime, timedelta
from itertools import count

import pytest
from pytest_django import DjangoAssertNumQueries
from redis import Redis

from gameproject.lib import clock
from observability import tasks, trace_messages, trace_queue
from observability.drops import Drops, lost_between
from observability.models import TraceDrops
from observability.tests.kept import taken
from observability.tests.test_trace_queue import ROW
from observability.tests.test_trace_queue import trace_queue as queue_of


@pytest.fixture
def own_drops(monkeypatch: pytest.MonkeyPatch) -> Drops:
    """The losses of a process that has lost nothing yet, and for which a minute passes between any two looks."""
    fresh = Drops(timer=count(step=60).__next__)
    monkeypatch.setattr(trace_queue, "drops", fresh)
    return fresh


def last_day() -> dict[str, int]:
    now = clock.now()
    return dict(lost_between(now - timedelta(days=1), None))


def test_what_a_full_queue_refused_is_told_by_the_next_message(
    transactional_db: None, redis: Redis, own_drops: Drops
) -> None:
    queue = queue_of(max_messages=1)
    for _ in range(3):
        queue.put([ROW, ROW], request_id="r")
    assert "drops" not in next(taken(redis))

    for n_told in (2, 4):  # what was lost while a report waited is told by the next one
        queue.put([ROW], request_id="r")
        (message,) = taken(redis)
        tasks.store_executions({**message, "rows": []})
        assert last_day() == {"queue_full": n_told}

    queue.put([ROW], request_id="r")
    assert "drops" not in next(taken(redis))


def test_a_broker_that_is_away_is_told_of_when_it_is_back(
    transactional_db: None, redis: Redis, own_drops: Drops, refused_url: str
) -> None:
    queue_of(refused_url).put([ROW], request_id="r")
    queue_of().put([ROW], request_id="r")
    (message,) = taken(redis)
    tasks.store_executions({**message, "rows": []})
    assert last_day() == {"broker_unavailable": 1}


def test_a_report_is_stored_once_however_often_it_comes(transactional_db: None) -> None:
    own = Drops()
    own.add("queue_full", 5)
    message = {"format": trace_messages.FORMAT, "rows": [], "drops": as_sent(own.report())}
    tasks.store_executions(message)
    tasks.store_executions(message)
    assert last_day() == {"queue_full": 5}


def as_sent(report: object) -> object:
    import msgspec

    return msgspec.json.decode(msgspec.json.encode(report))


def test_a_report_is_the_same_until_it_is_told_and_the_next_comes_a_second_later() -> None:
    now = [0.0]
    own = Drops(timer=lambda: now[0])
    own.add("too_large")
    first = own.report()
    own.add("too_large")
    assert own.report() is first is not None

    own.told(first)
    assert own.report() is None
    now[0] = 1.0
    second = own.report()
    assert second is not None
    assert [lost.n for lost in second.lost] == [1]
    assert second.id != first.id


def test_losses_are_summed_over_a_span_and_forgotten_with_the_traces(
    transactional_db: None, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    now = clock.now().replace(second=0, microsecond=0)
    for days, n in ((0, 1), (2, 2), (500, 4)):
        _lost(now - timedelta(days=days), n)
    with django_assert_num_queries(1):
        assert lost_between(now - timedelta(days=1), None) == [("queue_full", 1)]
    assert lost_between(None, now) == [("queue_full", 6)]

    tasks.keep_partitions()

    assert lost_between(None, None) == [("queue_full", 3)]


def _lost(minute: datetime, n: int) -> None:
    from gameproject.lib.ids import uuid7

    TraceDrops.objects.create(report_id=uuid7(), minute=minute, reason="queue_full", n_traces=n)
