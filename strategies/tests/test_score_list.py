"""Scores are found by what they were given for, to whom, by what and when; through an index."""

import random
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import QuerySet

from gameproject.lib import clock, looking
from gameproject.lib.errors import JsonDict
from gameproject.lib.ids import time_of
from strategies.api.score_list import asked_for
from strategies.models import Player, Score, Strategy
from strategies.tests.conftest import World, constant_program


@pytest.fixture
def scored(world: World) -> World:
    world.task("five", world.strategy("Five", constant_program(5, "Five")))
    world.task("none", world.strategy("None", constant_program(0, "Nothing")))
    for user, task in [("ana", "five"), ("ben", "five"), ("ana", "none"), ("ana", "five")]:
        assert world.score(user, task).status_code == 201
    return world


def found(answer: Any) -> list[tuple[str, str]]:
    assert answer.status_code == 200, answer.content
    return [(item["externalUserId"], item["externalTaskId"]) for item in answer.json()["items"]]


@pytest.mark.parametrize(
    ("query", "n"),
    [
        ("", 4),
        ("game=g1", 4),
        ("game=g1&task=five", 3),
        ("user=ana", 3),
        ("user=ana&game=g1&task=five", 2),
        ("strategy=none", 1),
        ("case=Five", 3),
        ("case=five", 0),
        ("outcome=award", 4),  # of 0 points, but an award
        ("outcome=veto", 0),
        ("since=2020-01-01T00:00:00Z", 4),
        ("since=2999-01-01T00:00:00Z", 0),
        ("until=2020-01-01T00:00:00%2B01:00", 0),
        ("since=0001-01-01T00:00:00Z&until=9999-12-31T23:59:59Z", 4),
    ],
)
def test_scores_are_filtered(scored: World, query: str, n: int) -> None:
    assert len(found(scored.get(f"/scores?{query}"))) == n


def test_scores_come_newest_first_page_by_page_as_they_were_answered(scored: World) -> None:
    pages = [scored.get("/scores?limit=3&game=g1").json()]
    pages.append(scored.get(f"/scores?limit=3&game=g1&cursor={pages[0]['nextCursor']}").json())

    items = [item for page in pages for item in page["items"]]
    assert [(item["externalUserId"], item["externalTaskId"]) for item in items] == [
        ("ana", "five"),
        ("ana", "none"),
        ("ben", "five"),
        ("ana", "five"),
    ]
    assert pages[1]["nextCursor"] is None
    assert [scored.get(f"/scores/{item['scoreId']}").json() for item in items] == items


def test_since_is_included_and_until_is_not(scored: World) -> None:
    times = sorted(Score.objects.values_list("created_at", flat=True))

    def n(query: str) -> int:
        return len(found(scored.get(f"/scores?{query}")))

    assert n(f"since={clock.iso(times[1])}") == 3
    assert n(f"until={clock.iso(times[1])}") == 1
    assert n(f"since={clock.iso(times[1])}&until={clock.iso(times[3])}") == 2


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("gmae=g1", 400),
        ("outcome=nothing", 400),
        ("since=yesterday", 400),
        ("since=2026-01-01T00:00:00", 400),
        ("since=", 400),
        ("until=1767225600", 400),
        ("limit=501", 400),
        ("cursor=x", 400),
        ("case=%00", 400),
        ("game=none", 404),
        ("game=%00", 404),
        ("game=", 404),
        ("task=five", 404),
        ("game=g1&task=nothing", 404),
        ("user=nobody", 404),
        ("user=", 404),
        ("strategy=nothing", 404),
    ],
)
def test_a_bad_filter_is_refused(scored: World, query: str, status: int) -> None:
    assert scored.get(f"/scores?{query}").status_code == status


def test_another_realm_sees_none_of_it(scored: World, other_world: World) -> None:
    score = Score.objects.latest("created_at")

    assert found(other_world.get("/scores")) == []
    for query in (
        f"game={score.game_id}",
        f"task={score.task_id}",
        "user=ana",
        f"strategy={score.strategy_id}",
    ):
        assert other_world.get(f"/scores?{query}").status_code == 404, query
    assert found(scored.get(f"/scores?task={score.task_id}")) == found(
        scored.get("/scores?game=g1&task=five")
    )


def test_a_question_that_is_too_wide_is_503_and_says_what_to_do(
    scored: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def slow(realm_id: object, given: object) -> tuple[QuerySet[Score], JsonDict]:
        return Score.objects.extra(select={"slept": "pg_sleep(3)"}), {}

    monkeypatch.setattr("strategies.api.score_list.asked_for", slow)
    monkeypatch.setattr("strategies.api.score_list.STATEMENT_TIMEOUT_SECONDS", 0.05)

    answer = scored.get("/scores")

    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "QUERY_TOO_WIDE")


def test_a_filter_without_an_index_looks_at_so_many_rows_and_goes_on_from_there(
    scored: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looking, "MAX_LOOKED_AT_APART", 2)
    first = scored.get("/scores?case=Five").json()
    second = scored.get(f"/scores?case=Five&cursor={first['nextCursor']}").json()
    third = scored.get(f"/scores?case=Five&cursor={second['nextCursor']}").json()

    assert [len(page["items"]) for page in (first, second, third)] == [1, 2, 0]
    assert second["lookedBackTo"] == clock.iso(time_of(Score.objects.earliest("pk").pk))
    assert (third["nextCursor"], third["lookedBackTo"]) == (None, None)


N_PLAYERS, N_TASKS, N_SCORES = 300, 40, 20_000


@pytest.fixture
def large(world: World) -> World:
    """20,000 scores of the last 100 days by 300 players on 40 tasks of 2 games."""
    second = type(world.game).objects.create(
        realm=world.realm, external_id="g2", platform="p", strategy=world.game.strategy
    )
    tasks = [world.task(f"t{n}") for n in range(N_TASKS)]
    type(tasks[0]).objects.filter(pk__in=[task.pk for task in tasks[30:]]).update(game=second)
    for task in tasks[30:]:
        task.game = second
    players = Player.objects.bulk_create(
        Player(realm=world.realm, external_id=f"p{n}") for n in range(N_PLAYERS)
    )
    strategy = Strategy.objects.get(realm=None, slug="default")
    version = strategy.versions.get()
    chance = random.Random(1)
    times = [datetime.now(UTC) - timedelta(days=100 * n / N_SCORES) for n in range(N_SCORES)]
    Score.objects.bulk_create(
        (
            Score(
                id=uuid.UUID(int=(int(at.timestamp() * 1000) << 80) + chance.getrandbits(76)),
                realm=world.realm,
                game=task.game,
                task=task,
                player=players[chance.randrange(N_PLAYERS)],
                strategy=strategy,
                strategy_version=version,
                alias="production",
                outcome="award",
                points=1,
                callback_data={},
                bonuses=[],
                facts={},
                data={},
                variables={},
                inputs_digest=b"",
                request_id="r",
                created_at=at,
            )
            for at in times
            for task in [tasks[min(int(chance.expovariate(0.2)), N_TASKS - 1)]]
        ),
        batch_size=2000,
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
    return world


def test_the_common_filters_use_an_index_and_sort_little(large: World) -> None:
    task = large.game.tasks.get(external_id="t25")  # a rare one: of a common one the newest are near anyway
    yesterday = clock.iso(clock.now() - timedelta(days=1))
    long_ago = clock.iso(clock.now() - timedelta(days=99))
    expected = {
        "realm": ({}, {"score_realm_newest", "strategies_score_pkey"}),
        "game": ({"game": "g2"}, {"score_game_newest"}),
        "task": ({"task": str(task.pk)}, {"score_task_newest"}),
        "user": ({"user": "p7"}, {"score_player_task_time"}),
        "user on task": (
            {"user": "p7", "task": str(task.pk)},
            {"score_player_task_time", "score_task_newest"},
        ),
        "since": ({"since": yesterday}, {"score_realm_newest", "strategies_score_pkey"}),
        "until": ({"until": long_ago}, {"score_realm_newest", "strategies_score_pkey"}),
    }
    for name, (given, indexes) in expected.items():
        rows, _wanted = asked_for(large.realm.pk, given)
        plan = rows.order_by("-pk")[:51].explain()
        assert "Seq Scan on strategies_score " not in plan, (name, plan)
        assert any(index in plan for index in indexes), (name, plan)
