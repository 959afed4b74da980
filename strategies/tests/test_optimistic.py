"""Nothing is locked while a program runs: what it saw must still hold when its score is written."""

import time
from collections.abc import Callable, Mapping
from typing import Any

import psycopg
import pytest
from django.db import connection
from pytest_django import Settings

from bench import plans
from gameproject.lib import clock
from gameproject.lib.postgresql import deadline
from gameproject.tests.production_client import ProductionClient
from strategies import contention, ledger, reversing
from strategies.contention import contended
from strategies.models import Player, PlayerGameStats, PlayerTaskStats, Score, Task, TaskStats
from strategies.tests.conftest import World, constant_program, data_program
from strategies.tests.test_deadline import connection_parameters
from strategies.tests.threads import at_once

COUNT = {"type": "field", "path": "user.measurements_count"}
TOTAL = {"type": "field", "path": "user.points_total"}


def telling(fact: Mapping[str, object]) -> dict[str, object]:
    tell = {"type": "set_callback_data", "key": "seen", "value": fact}
    when = {"type": "literal", "value": True}
    return constant_program(5) | {"rules": [{"type": "rule", "when": when, "then": [tell]}]}


def seen(answer: Any) -> float:
    assert answer.status_code == 201, answer.content
    told: float = answer.json()["callbackData"]["seen"]
    return told


def own_client(world: World) -> World:
    return World(world.realm, world.key, world.game, ProductionClient(raise_request_exception=False))


@pytest.fixture
def between(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Do something, once, in another thread, between an event's look and its write."""

    def do(action: Callable[[], object]) -> None:
        look = ledger.look

        def look_and_act(*args: Any, **kwargs: Any) -> ledger.Seen | None:
            found = look(*args, **kwargs)
            monkeypatch.setattr(ledger, "look", look)
            at_once(1, lambda _: action())
            return found

        monkeypatch.setattr(ledger, "look", look_and_act)

    return do


Between = Callable[[Callable[[], object]], None]


@pytest.mark.parametrize("seconds", [contention.LOCKED_FOR_SECONDS, 0.0])
def test_events_of_one_player_at_once_see_each_other(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """Also where none takes the lock before it has lost against another."""
    settings.SCORING_DEADLINE_SECONDS = 30
    monkeypatch.setattr(contention, "LOCKED_FOR_SECONDS", seconds)
    world.task("t1", world.strategy("Count", telling(COUNT)))
    world.score()

    answers = at_once(24, lambda _: [seen(own_client(world).score()) for _ in range(3)])

    assert sorted(count for counts in answers for count in counts) == list(range(1, 73))
    told = Score.objects.order_by("created_at").values_list("callback_data", flat=True)
    assert [data["seen"] for data in told] == list(range(73)), "the order of times is the order of counts"


def test_what_was_seen_and_changed_is_read_again(world: World, between: Between) -> None:
    world.task("t1", world.strategy("Count", telling(COUNT)))
    world.score()

    between(lambda: own_client(world).score())

    assert seen(world.score()) == 2


def test_a_player_whose_events_come_together_is_scored_under_the_lock_for_a_while(
    world: World, between: Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.task("t1", world.strategy("Count", telling(COUNT)))
    world.score()
    between(lambda: own_client(world).score())
    world.score()

    looked: list[str] = []
    look = ledger.look

    def watched(*args: Any, **kwargs: Any) -> ledger.Seen | None:
        looked.append(kwargs["external_user_id"])
        return look(*args, **kwargs)

    monkeypatch.setattr(ledger, "look", watched)
    assert seen(world.score()) == 3
    world.score("ben")
    contended.clear()
    assert seen(world.score()) == 4
    assert looked == ["ben", "ana"]


def test_contention_is_forgotten_after_a_second_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    players = contention.Contended(lambda: now)
    players.note("ana")
    assert ("ana" in players, "ben" in players) == (True, False)
    now = contention.LOCKED_FOR_SECONDS
    assert "ana" not in players

    monkeypatch.setattr(contention, "MAX_PLAYERS", 2)
    for name in ("a", "b", "c"):
        players.note(name)
    assert [name in players for name in ("a", "b", "c")] == [False, True, True]


def test_a_batch_in_between_is_seen(world: World, between: Between) -> None:
    world.task("t1", world.strategy("Count", telling(COUNT)))
    world.score()
    event = {"gameId": "g1", "externalTaskId": "t1", "externalUserId": "ana"}

    between(lambda: own_client(world).post("/scores/batch", {"events": [event, event]}))

    assert seen(world.score()) == 3


def test_a_reversal_in_between_is_seen(world: World, between: Between) -> None:
    """It changes no count, but the sums."""
    world.task("t1", world.strategy("Total", telling(TOTAL)))
    world.score()
    first = Score.objects.get()

    between(lambda: reversing.reverse_score(score=first, reason="A mistake", request_id="r"))

    assert seen(world.score()) == 0


def test_what_others_do_on_the_task_disturbs_nobody(
    world: World, between: Between, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.task("t1", world.strategy("Count", telling(COUNT)))
    world.score()
    world.score("ben")
    between(lambda: own_client(world).score("ben"))

    def lock(*_args: object, **_kwargs: object) -> ledger.Snapshot:
        raise AssertionError("there was no need")

    monkeypatch.setattr(ledger, "lock", lock)
    assert seen(world.score()) == 1


def test_a_task_closed_in_between_gives_no_points(world: World, between: Between) -> None:
    """Deleting a task relies on it too (strategies/games.py)."""
    world.task("t1", world.strategy("Count", telling(COUNT)))
    world.score()

    between(lambda: Task.objects.update(status="closed"))

    refused = world.score()
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "TASK_CLOSED")
    assert Score.objects.count() == 1


def test_a_key_used_in_between_makes_one_score(world: World, between: Between) -> None:
    world.task("t1", world.strategy("Count", telling(COUNT)))
    world.score()
    world.score("ben")

    between(lambda: own_client(world).score(key="k"))
    again = world.score(key="k")
    contended.clear()
    between(lambda: own_client(world).score("ben", key="l"))
    refused = world.score(key="l")

    assert (again.status_code, again.json()["replayed"]) == (200, True)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "IDEMPOTENCY_KEY_REUSED")
    assert Score.objects.count() == 4


def test_one_key_for_two_test_events_at_once_makes_one_score(world: World, between: Between) -> None:
    """They change no row of the player's: only the unique index sees it."""
    world.task("t1", world.strategy("Count", telling(COUNT)))
    world.score()

    between(lambda: own_client(world).score(key="k", isTest=True))
    again = world.score(key="k", isTest=True)

    assert (again.status_code, again.json()["replayed"]) == (200, True)
    assert Score.objects.count() == 2


def test_a_test_event_rests_on_what_it_saw_and_changes_nothing(world: World, between: Between) -> None:
    world.task("t1", world.strategy("Count", telling(COUNT)))
    world.score()

    between(lambda: own_client(world).score())

    assert seen(world.score(isTest=True)) == 2
    assert PlayerGameStats.objects.get().n_scores == 2


def test_a_run_that_fails_on_what_has_changed_is_no_failure(world: World, between: Between) -> None:
    one = {"type": "literal", "value": 1}
    inverse = {"type": "arith", "op": "/", "left": one, "right": COUNT}
    world.task("t0")
    task = world.task("t1", world.strategy("Inverse", telling(inverse)))
    world.score(task="t0")
    player, now = Player.objects.get(), clock.now()

    between(
        lambda: PlayerTaskStats.objects.create(
            realm=world.realm, task=task, player=player, n_scores=1, first_at=now, last_at=now
        )
    )

    assert seen(world.score()) == 1


def test_waiting_for_the_player_and_then_for_the_task_takes_no_longer_than_one(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SCORING_DEADLINE_SECONDS = 1.1
    monkeypatch.setattr(deadline, "GRACE_SECONDS", 5.0)  # PostgreSQL is to end it, not the watchdog
    world.task("t1", world.strategy("Count", telling(COUNT)))
    world.score()
    world.score()

    def hold(table: str, seconds: float) -> None:
        with psycopg.connect(**connection_parameters()) as other:
            other.execute(f"SELECT FROM {table} FOR UPDATE")
            time.sleep(seconds)

    def score() -> tuple[float, Any]:
        time.sleep(0.2)
        started = time.monotonic()
        answer = own_client(world).score()
        return time.monotonic() - started, answer

    calls: list[Callable[[], Any]] = [
        lambda: hold(PlayerGameStats._meta.db_table, 1.0),
        lambda: hold(TaskStats._meta.db_table, 3.0),
        score,
    ]
    *_, (seconds, refused) = at_once(3, lambda n: calls[n]())

    assert (refused.status_code, refused.json()["error"]["code"]) == (503, "DSL_TIMEOUT")
    assert 0.8 < seconds < 1.4, "1.0; with the whole time for each lock it would be 1.8"
    assert Score.objects.count() == 2


def test_however_many_are_before_it_an_event_waits_no_longer_than_its_deadline(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ten have the player's row for 0.15 s, one after the other: a time for each lock would begin anew with each of them."""
    settings.SCORING_DEADLINE_SECONDS = 0.6
    monkeypatch.setattr(deadline, "GRACE_SECONDS", 5.0)  # PostgreSQL is to end it, not the watchdog
    world.task("t1", world.strategy("Data", data_program()))
    world.score(data={"minutes": 1})

    def hold() -> Any:
        with psycopg.connect(**connection_parameters()) as other:
            other.execute("UPDATE strategies_playergamestats SET n_scores = n_scores")
            time.sleep(0.15)

    def score() -> Any:
        time.sleep(0.1)
        return own_client(world).score(data={"minutes": 1})

    answers = at_once(14, lambda n: hold() if n < 10 else score())[10:]

    codes = [answer.json()["error"]["code"] for answer in answers if answer.status_code != 201]
    assert codes, "those behind many were refused"
    assert codes == ["DSL_TIMEOUT"] * len(codes)
    assert Score.objects.count() == 1 + len(answers) - len(codes), "what was refused was not stored later"


@pytest.mark.parametrize("mode", ["force_generic_plan", "force_custom_plan"])
def test_a_look_counts_the_recent_scores_by_index_though_the_player_has_all_of_them(
    world: World, mode: str
) -> None:
    """A plan that is made for every time must not take a third of all scores for recent."""
    task = world.task("t1")
    world.score()
    with connection.cursor() as cursor:
        columns = [
            str(field.column) for field in Score._meta.fields if field.column not in {"id", "created_at"}
        ]
        names = ", ".join(columns)
        cursor.execute(
            f"INSERT INTO strategies_score (id, created_at, {names}) SELECT gen_random_uuid(), "
            f"created_at - n * interval '1 minute', {names} FROM strategies_score, generate_series(6, 20000) n"
        )
        cursor.execute("ANALYZE strategies_score")
        text = ledger._look_at((True, True, True), has_key=False).text.decode()
        cursor.execute(f"SET plan_cache_mode = {mode}")
        cursor.execute(f"PREPARE looking AS {text}")
        ids = [str(each) for each in (world.realm.pk, world.game.pk, task.pk)]
        cursor.execute("EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE looking(%s, %s, %s, 'ana')", ids)
        ((plan,),) = cursor.fetchall()
        cursor.execute("EXECUTE looking(%s, %s, %s, 'ana')", ids)
        found = cursor.fetchall()
        cursor.execute("RESET plan_cache_mode")
        cursor.execute("DEALLOCATE looking")

    scans = {node["Relation Name"]: node for node in plans.nodes(plan[0]["Plan"]) if "Relation Name" in node}
    assert scans["strategies_score"]["Index Name"] == "score_player_task_time"
    assert scans["strategies_score"]["Actual Rows"] == 1
    assert [row[-2] for row in found] == [1]
