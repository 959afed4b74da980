"""A score costs two round trips on the wire, whatever its program reads; one, if it reads nothing but the event.

Each connection prepares its statements once; `prepared` sees to it.
"""

import tempfile
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from django.db import connection
from psycopg.pq import Trace

from gameproject.lib import clock
from strategies.models import PlayerGameStats, Score
from strategies.tests.conftest import World, constant_program, data_program

EVERY_FACT = [
    "externalGameId",
    "externalTaskId",
    "externalUserId",
    "user.measurements_count",
    "user.recent_measurements_count",
    "task.measurements_count",
    "user.avg_time",
    "all.avg_time",
    "user.last_window_diff",
    "user.new_last_window_diff",
    "user.points_total",
    "user.streak_days",
    "event.hour",
    "event.weekday",
    "event.is_weekend",
]


def reads_everything() -> dict[str, object]:
    tell = [
        {"type": "set_callback_data", "key": path, "value": {"type": "field", "path": path}}
        for path in EVERY_FACT
    ]
    when = {"type": "literal", "value": True}
    return constant_program(1) | {"rules": [{"type": "rule", "when": when, "then": tell}]}


def round_trips(call: Callable[[], object]) -> int:
    """Count how often the client spoke after the server had: libpq's own trace of this thread's connection."""
    with tempfile.NamedTemporaryFile() as file:
        connection.ensure_connection()
        pgconn = connection.connection.pgconn
        pgconn.trace(file.fileno())
        pgconn.set_trace_flags(Trace.SUPPRESS_TIMESTAMPS)
        call()
        pgconn.untrace()
        directions = [line.split("\t")[0] for line in Path(file.name).read_text().splitlines()]
    return sum(
        after == "F" and before != "F" for before, after in zip(["B", *directions], directions, strict=False)
    )


def test_the_counter_counts(transactional_db: None) -> None:
    def two_queries() -> None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
            cursor.execute("SELECT 2")

    assert round_trips(two_queries) == 2


@pytest.fixture
def prepared(world: World) -> None:
    world.task("t0")
    world.task("t00", world.strategy("Nothing", data_program()))
    for task in ("t0", "t0", "t00"):
        assert world.score("zoe", task=task, data={"minutes": 1}).status_code == 201


@pytest.mark.parametrize("key", [None, "k"])
def test_a_score_takes_two_round_trips(world: World, prepared: None, key: str | None) -> None:
    world.task("t1", world.strategy("Everything", reads_everything()))
    for n in range(2):
        assert world.score(key=key and f"{key}-{n}").status_code == 201

    def again() -> None:
        answer = world.score(key=key)
        assert answer.status_code == 201
        assert set(answer.json()["callbackData"]) == set(EVERY_FACT)

    assert round_trips(again) == 2


def test_a_player_new_to_the_game_takes_one_more_for_the_lock(world: World, prepared: None) -> None:
    world.task("t1")
    world.score()

    assert round_trips(lambda: world.score("ben")) == 3
    assert round_trips(lambda: world.score("ben")) == 2


def test_a_failed_run_takes_one_more_for_the_lock_and_a_replay_two(world: World, prepared: None) -> None:
    what_is_there = {"type": "field", "path": "externalTaskId"}
    broken = constant_program(1) | {
        "default": {"type": "assign_points", "value": what_is_there, "case_name": "X"}
    }
    world.task("t1")
    world.task("t2", world.strategy("Broken", broken))
    world.score(key="k")
    assert world.score(task="t2").status_code == 422

    assert round_trips(lambda: world.score(task="t2")) == 3, "seen, said under the lock, rolled back"
    assert round_trips(lambda: world.score(key="k")) == 2


@pytest.mark.parametrize("key", [None, "k"])
def test_a_program_that_reads_no_figures_takes_one(world: World, prepared: None, key: str | None) -> None:
    world.task("t1", world.strategy("Minutes", data_program()))
    world.score(data={"minutes": 1})

    def again() -> None:
        answer = world.score(key=key, data={"minutes": 2})
        assert (answer.status_code, answer.json()["points"]) == (201, 2)

    assert round_trips(again) == 1
    assert Score.objects.filter(player__external_id="ana").count() == 2


def test_what_is_not_the_straight_way_is_found_out_by_one_more(world: World, prepared: None) -> None:
    world.task("t1", world.strategy("Minutes", data_program()))
    world.score("zoe", data={"minutes": 1})

    assert round_trips(lambda: world.score(key="k", data={"minutes": 1})) == 3, "a player new to the game"
    assert round_trips(lambda: world.score(key="k", data={"minutes": 1})) == 4, "a key that was used"
    assert world.score(key="k", data={"minutes": 2}).status_code == 409
    assert Score.objects.filter(player__external_id="ana").count() == 1


def test_a_day_that_ended_on_the_way_is_not_scored_on(world: World, prepared: None) -> None:
    world.task("t1", world.strategy("Minutes", data_program()))
    world.score(data={"minutes": 1})
    stats = PlayerGameStats.objects.get(player__external_id="ana")
    today = stats.last_day

    with time_machine.travel(clock.now() - timedelta(days=1)):  # the server's clock stays
        assert round_trips(lambda: world.score(data={"minutes": 1})) == 3

    stats.refresh_from_db()
    assert (stats.n_scores, stats.last_day, stats.streak_days) == (2, today, 1)
