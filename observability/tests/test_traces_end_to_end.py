"""From a scored event to a stored trace: through the request, the broker and a real worker."""

import json
import uuid
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from redis import Redis

from observability import tasks, trace_messages
from observability.models import StrategyExecutionLog
from observability.tests.conftest import running_worker, wait_until
from strategies.tests.conftest import World, data_program


@pytest.fixture
def minutes(world: World) -> World:
    world.task("t1", world.strategy("Minutes", data_program()))
    return world


def waiting(redis: Redis) -> list[list[dict[str, Any]]]:
    """Return the rows of each message that waits, oldest first."""
    messages = [json.loads(each) for each in redis.lrange(trace_messages.QUEUE, 0, -1)[::-1]]
    payloads = [json.loads(message["body"])[0][0] for message in messages]
    return [[json.loads(row) for row in payload["rows"]] for payload in payloads]


def test_a_kept_run_waits_with_its_whole_trace_when_the_answer_has_been_sent(
    minutes: World, redis: Redis
) -> None:
    score = minutes.score(data={"minutes": 12}).json()

    ((row,),) = waiting(redis)
    assert row["scoreId"] == row["executionId"] == score["scoreId"]
    assert row["requestId"] == score["requestId"]
    assert (row["kind"], row["weight"], row["status"], row["nCut"]) == ("sampled", 1.0, "ok", 0)
    assert [entry["path"] for entry in row["trace"]] == ["default/value", "default", ""]
    assert row["data"] == {"minutes": 12}


def test_a_failed_run_is_traced_up_to_the_node_that_failed(minutes: World, redis: Redis) -> None:
    refused = minutes.score(data={"minutes": "many"}).json()["error"]

    ((row,),) = waiting(redis)
    assert (row["status"], row["code"], row["scoreId"]) == ("error", refused["code"], None)
    assert row["path"] == refused["params"]["path"]
    assert row["trace"][-1]["error"] == refused["code"]
    assert row["nodes"] == 3


def test_masked_data_leaves_the_process_as_its_hash(minutes: World, redis: Redis) -> None:
    minutes.realm.masked_data_keys = ["email"]
    minutes.realm.save()

    minutes.score(data={"minutes": 1, "email": "ana@example.org"})

    assert "ana@example.org" not in str(redis.lrange(trace_messages.QUEUE, 0, -1))
    ((row,),) = waiting(redis)
    assert row["data"]["email"].startswith("sha256:")


def test_a_batch_is_one_message(minutes: World, redis: Redis) -> None:
    event = {"gameId": "g1", "externalTaskId": "t1", "data": {"minutes": 1}}
    events = [{**event, "externalUserId": f"player-{n}"} for n in range(30)]

    assert minutes.post("/scores/batch", {"events": events}).status_code == 200

    (rows,) = waiting(redis)
    assert len({row["executionId"] for row in rows}) == 30


def test_a_worker_stores_what_waits_once_though_it_comes_twice(minutes: World, redis: Redis) -> None:
    score = minutes.score(data={"minutes": 12}).json()
    minutes.score(data={"minutes": "many"})
    (again, _error) = redis.lrange(trace_messages.QUEUE, 0, -1)[::-1]
    redis.lpush(trace_messages.QUEUE, again)

    with running_worker():
        wait_until(lambda: StrategyExecutionLog.objects.count() == 2 and not redis.exists("unacked"))

    stored = StrategyExecutionLog.objects.get(pk=uuid.UUID(score["scoreId"]))
    assert (stored.points, stored.alias) == (Decimal(12), "production")
    assert [entry["value"] for entry in stored.trace] == [12, 12, 12]
    failed = StrategyExecutionLog.objects.get(is_error=True)
    assert failed.code == "DSL_ASSIGN_POINTS_NOT_NUMBER"
    assert not redis.llen(trace_messages.QUEUE)


def test_a_stored_trace_is_in_a_partition_of_its_kind_and_time(minutes: World, redis: Redis) -> None:
    minutes.score(data={"minutes": 1})
    minutes.score(data={"minutes": "many"})
    for rows in waiting(redis):
        tasks.store_executions({"format": 1, "rows": [json.dumps(row) for row in rows]})

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT tableoid::regclass::text, to_char(created_at AT TIME ZONE 'UTC', 'YYYYMMDD') "
            "FROM observability_strategyexecutionlog ORDER BY 1"
        )
        (error, day), (sample, _day) = cursor.fetchall()
    assert (error, sample) == (f"execution_error_{day[:6]}01", f"execution_sample_{day}")
