"""A batch means what its events mean one by one in order."""

import random
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from django.db.models import QuerySet
from pytest_django import Settings

from strategies import batch, keys
from strategies.models import Game, Player, PlayerGameStats, PlayerTaskStats, Score, Strategy, TaskStats
from strategies.tests.conftest import FIRST_TIME_BONUS, World, constant_program, data_program, make_world
from strategies.tests.test_concurrency import own_client
from strategies.tests.test_explain import example_strategies
from strategies.tests.test_round_trips import reads_everything
from strategies.tests.threads import at_once

# Seconds between events differ by how they were sent; everything else must not.
TIMED_FACTS = {"user.avg_time", "all.avg_time", "user.last_window_diff", "user.new_last_window_diff"}


def event(user: str = "ana", task: str = "t1", game: str = "g1", **fields: object) -> dict[str, object]:
    return {"gameId": game, "externalTaskId": task, "externalUserId": user, **fields}


def send(world: World, events: list[dict[str, object]]) -> list[dict[str, Any]]:
    answer = world.post("/scores/batch", {"events": events})
    assert answer.status_code == 200, answer.content
    results: list[dict[str, Any]] = answer.json()["results"]
    assert [result["index"] for result in results] == list(range(len(events)))
    return results


def test_events_are_scored_in_their_order(world: World) -> None:
    world.task("t1", world.strategy("First time", FIRST_TIME_BONUS))

    results = send(world, [event("ana"), event("ben"), event("ana"), event("ana")])

    assert [result["status"] for result in results] == [201] * 4
    assert [result["score"]["caseName"] for result in results] == ["FirstTime", "FirstTime", "Again", "Again"]
    assert [result["score"]["isACreatedUser"] for result in results] == [True, True, False, False]
    times = [result["score"]["createdAt"] for result in results]
    assert times == sorted(set(times))


def test_a_bad_event_stops_no_other(world: World) -> None:
    world.task("t1", world.strategy("Minutes", data_program()))
    world.task("closed", status="closed")

    results = send(
        world,
        [
            event("ana", data={"minutes": 1}),
            {"gameId": "g1"},
            event("ana", game="none"),
            event("ana", "none"),
            event("ana", "closed"),
            event("cleo", data={"minutes": "x"}),
            event("ana", data={"a": "\0"}),
            event("ana", data={"minutes": 2}, points=1000),
            event("ana", data={"minutes": 4}),
        ],
    )

    assert [result["status"] for result in results] == [201, 400, 404, 404, 409, 422, 400, 400, 201]
    assert results[5]["error"]["code"] == "DSL_ASSIGN_POINTS_NOT_NUMBER"
    assert results[1]["error"]["problems"]
    assert not Player.objects.filter(external_id="cleo").exists(), "a failed run makes no player"
    assert PlayerGameStats.objects.get().points_total == 5


def test_keys_replay_within_a_batch_across_batches_and_single_events(world: World) -> None:
    world.task("t1", world.strategy("Minutes", data_program()))
    single = world.score(key="single", data={"minutes": 9}).json()

    results = send(
        world,
        [
            event(data={"minutes": 1}, idempotencyKey="a"),
            event(data={"minutes": 1}, idempotencyKey="a"),
            event(data={"minutes": 2}, idempotencyKey="a"),
            event(data={"minutes": 9}, idempotencyKey="single"),
            event("ben", data={"minutes": 9}, idempotencyKey="single"),
        ],
    )

    assert [result["status"] for result in results] == [201, 200, 409, 200, 409]
    assert results[1]["score"] == results[0]["score"] | {"replayed": True}
    assert results[3]["score"] == single | {"replayed": True}
    assert [result["status"] for result in send(world, [event(data={"minutes": 1}, idempotencyKey="a")])] == [
        200
    ]
    assert world.score(key="a", data={"minutes": 1}).json() == results[0]["score"] | {"replayed": True}
    assert Score.objects.count() == 2
    assert not Player.objects.filter(external_id="ben").exists()


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"events": []}, 400),
        ({"events": [event()] * 1001}, 400),
        ({"events": {}}, 400),
        ({}, 400),
        ({"events": [None, 1, "x", []]}, 200),
        ([], 400),
    ],
)
def test_a_batch_has_limits(world: World, body: object, status: int) -> None:
    world.task("t1")
    answer = world.post("/scores/batch", body)
    assert answer.status_code == status
    assert not Score.objects.exists()


def test_a_batch_counts_as_one_request_of_its_key(world: World) -> None:
    _row, world.key = keys.create_api_key(
        realm=world.realm, name="slow", scopes=["score"], key_rate=1, key_burst=2
    )
    answers = [world.post("/scores/batch", {"events": [event(), event()]}) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert answers[2].json()["error"]["params"]["scope"] == "key"


def test_a_header_key_on_a_batch_is_refused(world: World) -> None:
    refused = world.post("/scores/batch", {"events": [event()]}, idempotency_key="k")
    assert (refused.status_code, refused.json()["error"]["code"]) == (400, "IDEMPOTENCY_KEY_ON_BATCH")


def test_another_realms_games_are_not_there(world: World, other_world: World) -> None:
    other_world.task("t1")
    results = send(world, [event(game=str(other_world.game.pk))])
    assert results[0]["status"] == 404


def test_a_thousand_events_of_a_missing_task_ask_for_it_once(
    world: World, django_assert_max_num_queries: Any
) -> None:
    events = [event(task="none", idempotencyKey=f"key-{n}") for n in range(1000)]

    with django_assert_max_num_queries(10):
        results = send(world, events)

    assert {result["status"] for result in results} == {404}


def test_looking_for_the_tasks_of_a_batch_ends_at_the_deadline(world: World, settings: Any) -> None:
    settings.SCORING_BATCH_DEADLINE_SECONDS = 0
    answer = world.post("/scores/batch", {"events": [event(task="none")]})
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "DSL_TIMEOUT")


@pytest.mark.parametrize(
    "text", ["a\tb", "a\nb\r", "\\.", "\\N", "\\x41\\", "\N{ROCKET} \u2028 'quoted' \"twice\""]
)
def test_text_is_stored_as_it_was_sent(world: World, text: str) -> None:
    world.task("t1", world.strategy("Minutes", data_program()))
    data = {"minutes": 1, "note": text, text: [text]}

    send(world, [event("ana\\t", data=data, sessionKey="a\\nb", idempotencyKey="k\\")])

    score = Score.objects.select_related("player").get()
    assert (score.data, score.player.external_id) == (data, "ana\\t")
    assert (score.session_key, score.idempotency_key) == ("a\\nb", "k\\")


def test_a_thousand_events_take_few_statements(world: World) -> None:
    world.task("t1")
    events = [event(f"player-{n}") for n in range(1000)]

    results = send(world, events)

    assert {result["status"] for result in results} == {201}
    assert_figures_equal_the_ledger()


# ── The same as one by one ───────────────────────────────────────────────────────────────────────
def random_events(random_: random.Random, n: int) -> list[dict[str, object]]:
    return [
        event(
            f"player-{random_.randrange(4)}",
            random_.choice(["t0", "t1", "t2", "t3", "t4", "t5", "t6", "none"]),
            data={"minutes": random_.choice([1, 2.5, -3, "x", 0.1]), "streak_days": random_.randrange(9)},
            isTest=random_.random() < 0.1,
            **({"idempotencyKey": f"key-{random_.randrange(30)}"} if random_.random() < 0.4 else {}),
        )
        for _ in range(n)
    ]


def untimed_strategies(world: World) -> list[Strategy]:
    """Strategies whose result does not depend on the seconds between events, though one reads them too."""
    timed = {"default", "speed-bonus", "weekend-bonus"}
    return [
        *(strategy for strategy in example_strategies(world) if strategy.slug not in timed),
        world.strategy("First time", FIRST_TIME_BONUS),
        world.strategy("Minutes", data_program()),
        world.strategy("Everything", reads_everything()),
    ]


def one_by_one(world: World, events: list[dict[str, object]]) -> list[tuple[int, object]]:
    results = []
    for each in events:
        body = dict(each)
        key = body.pop("idempotencyKey", None)
        path = f"/games/{body.pop('gameId')}/tasks/{body.pop('externalTaskId')}/points"
        answer = world.post(path, body, **({"idempotency_key": str(key)} if key else {}))
        results.append((answer.status_code, comparable(answer.json())))
    return results


def comparable(answer: dict[str, Any]) -> object:
    if "error" in answer:
        return answer["error"]["code"]
    names = ("points", "caseName", "bonuses", "outcome", "strategy", "version", "isTest", "replayed")
    return {name: answer[name] for name in (*names, "externalTaskId", "externalUserId", "isACreatedUser")}


def ledger_of(world: World) -> list[object]:
    rows = Score.objects.filter(realm=world.realm).select_related("player", "task").order_by("created_at")
    return [
        (
            row.player.external_id,
            row.task.external_id,
            row.points,
            {path: value for path, value in row.facts.items() if path not in TIMED_FACTS},
            {path: row.facts[path] is None for path in TIMED_FACTS & row.facts.keys()},
            row.variables,
            row.data,
        )
        for row in rows
    ]


def sums_of(world: World) -> list[object]:
    def values(rows: QuerySet[Any], *names: str) -> list[object]:
        return sorted(rows.filter(realm=world.realm).values_list(*names))

    return [
        values(
            PlayerGameStats.objects.all(), "player__external_id", "n_scores", "points_total", "streak_days"
        ),
        values(
            PlayerTaskStats.objects.all(),
            "player__external_id",
            "task__external_id",
            "n_scores",
            "n_awards",
            "points_total",
        ),
        values(TaskStats.objects.all(), "task__external_id", "slot", "n_scores", "n_awards", "points_total"),
        values(Player.objects.all(), "external_id"),
    ]


def test_two_hundred_random_batches_give_what_their_events_give_one_by_one(world: World) -> None:
    other = make_world("other")
    for each in (world, other):
        for n, strategy in enumerate(untimed_strategies(each)):
            each.task(f"t{n}", strategy)
    random_ = random.Random(11)
    for _ in range(200):
        events = random_events(random_, random_.choice([1, 2, 3, 5, 8]))
        in_batch = [
            (result["status"], comparable(result.get("score") or result)) for result in send(world, events)
        ]
        assert in_batch == one_by_one(other, events)

    assert ledger_of(world) == ledger_of(other)
    assert sums_of(world) == sums_of(other)
    assert_figures_equal_the_ledger()
    scores = Score.objects.filter(realm=world.realm)
    explained = [world.get(f"/scores/{score.pk}/explain").json()["reproduced"] for score in scores[:100]]
    assert all(explained)


def assert_figures_equal_the_ledger() -> None:
    """Recompute every running figure from the ledger, naively."""
    for row in PlayerTaskStats.objects.all():
        scores = list(
            Score.objects.filter(player=row.player, task=row.task, is_test=False).order_by("created_at")
        )
        times = [score.created_at for score in scores]
        assert (row.n_scores, row.points_total) == (len(scores), sum(score.points for score in scores))
        assert (row.first_at, row.last_at) == (times[0], times[-1])
        assert row.previous_at == (times[-2] if len(times) > 1 else None)
    for stats in PlayerGameStats.objects.all():
        points = Score.objects.filter(player=stats.player, game=stats.game, is_test=False).values_list(
            "points", flat=True
        )
        assert (stats.n_scores, stats.points_total) == (len(points), sum(points, start=Decimal(0)))
    for game in Game.objects.all():
        counted = Score.objects.filter(game=game, is_test=False).count()
        assert sum(TaskStats.objects.filter(task__game=game).values_list("n_scores", flat=True)) == counted


def test_thirty_two_threads_of_batches_over_the_same_players_meet_no_deadlock(
    world: World, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SCORING_BATCH_DEADLINE_SECONDS = 60
    tried_again: list[Exception] = []
    prepare = batch._prepare_next_attempt

    def counted(error: psycopg.Error, attempt: int, until: float) -> None:
        tried_again.append(error)
        prepare(error, attempt, until)

    monkeypatch.setattr(batch, "_prepare_next_attempt", counted)
    for n in range(3):
        world.task(f"t{n}", world.strategy(f"Five {n}", constant_program(5)))

    def batches(thread: int) -> list[int]:
        random_ = random.Random(thread)
        client = own_client(world)
        statuses = []
        for n_players in (12, 12, 24, 36):  # known ones, and new ones among them
            events = [
                event(f"player-{random_.randrange(n_players)}", f"t{random_.randrange(3)}") for _ in range(20)
            ]
            statuses += [result["status"] for result in send(client, events)]
        return statuses

    answers = at_once(32, batches)

    assert tried_again == []  # as after a deadlock, and nobody would hear of it
    assert {status for statuses in answers for status in statuses} == {201}
    assert Score.objects.count() == 32 * 4 * 20
    assert_figures_equal_the_ledger()
