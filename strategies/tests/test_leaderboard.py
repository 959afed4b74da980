"""Places in a game: best first, ties share a rank, and a player sees those around."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from strategies.leaderboard import shared_ranks
from strategies.models import Player, PlayerGameStats
from strategies.tests.conftest import World, data_program


def play(world: World, points: Sequence[float]) -> list[str]:
    """Store players with so many points each; return their names in the order of the leaderboard."""
    made = [Player.objects.create(realm=world.realm, external_id=f"p{n:03}") for n, _ in enumerate(points)]
    PlayerGameStats.objects.bulk_create(
        PlayerGameStats(
            realm=world.realm, game=world.game, player=player, n_scores=1, points_total=Decimal(str(each))
        )
        for player, each in zip(made, points, strict=True)
    )
    order = sorted(zip(points, made, strict=True), key=lambda pair: (-pair[0], pair[1].pk))
    return [player.external_id for _, player in order]


def places(answer: Any) -> list[tuple[int, str, float]]:
    assert answer.status_code == 200, answer.content
    return [(item["rank"], item["externalUserId"], item["points"]) for item in answer.json()["items"]]


def expected_ranks(points: Sequence[float]) -> list[int]:
    return [1 + sum(other > each for other in points) for each in points]


def test_real_scores_make_the_leaderboard(world: World) -> None:
    world.task("t1", world.strategy("Minutes", data_program()))
    for user, minutes in [("ana", 5), ("ben", 7.5), ("eve", 2.5), ("eve", 2.5), ("joe", 1)]:
        world.score(user, data={"minutes": minutes})
    world.score("only-tested", data={"minutes": 99}, isTest=True)
    world.score("joe", data={"minutes": 99}, isTest=True)

    assert places(world.get("/games/g1/leaderboard")) == [
        (1, "ben", 7.5),
        (2, "ana", 5),
        (2, "eve", 5),
        (4, "joe", 1),
    ]
    assert places(world.get("/games/g1/leaderboard?limit=1")) == [(1, "ben", 7.5)]


@pytest.mark.parametrize(
    "points",
    [
        [5, 5, 4],
        [3, 3, 3, 3, 3, 3, 3, 3, 3],
        [9, 8, 8, 8, 7, 7, 6, -1, -1, 0],
        list(range(20)),
        [1],
    ],
)
@pytest.mark.parametrize("limit", [1, 2, 3, 5, 500])
def test_around_is_a_window_of_the_whole_board_with_the_same_ranks(
    world: World, points: list[float], limit: int
) -> None:
    names = play(world, points)
    board = places(world.get("/games/g1/leaderboard?limit=500"))
    assert [name for _, name, _ in board] == names
    assert [rank for rank, _, _ in board] == expected_ranks([each for _, _, each in board])

    for position, name in enumerate(names):
        window = places(world.get(f"/games/g1/leaderboard?limit={limit}&around={name}"))
        first = position - min((limit - 1) // 2, position)
        assert window == board[first : first + limit]
        assert name in [each for _, each, _ in window]


@given(st.lists(st.integers(0, 5), min_size=1), st.data())
def test_ranks_of_a_window_are_those_of_the_whole(points: list[int], data: st.DataObject) -> None:
    whole = sorted((Decimal(each) for each in points), reverse=True)
    first = data.draw(st.integers(0, len(whole) - 1))
    window = whole[first:]
    n_with_more = sum(each > window[0] for each in whole)

    ranks = list(shared_ranks(window, n_with_more=n_with_more, n_before=first))

    assert ranks == [1 + sum(other > each for other in whole) for each in window]


def test_who_is_not_there_is_404(world: World, other_world: World) -> None:
    play(world, [5])
    Player.objects.create(realm=world.realm, external_id="idle")

    for name in ("idle", "nobody", "%00"):
        answer = world.get(f"/games/g1/leaderboard?around={name}")
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "PLAYER_NOT_FOUND")
    assert other_world.get(f"/games/{world.game.pk}/leaderboard").status_code == 404
    assert places(other_world.get("/games/g1/leaderboard")) == []
    assert world.get("/games/g1/leaderboard?limit=0").status_code == 400


@pytest.mark.parametrize("query", ["", "?around=p000"])
def test_the_number_of_statements_does_not_grow(world: World, query: str) -> None:
    def n_statements() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert world.get(f"/games/g1/leaderboard{query}").status_code == 200
        return len(captured)

    play(world, [1, 2])
    few = n_statements()
    PlayerGameStats.objects.all().delete()
    Player.objects.all().delete()
    play(world, list(range(80)))
    assert n_statements() <= max(few, 12)


def test_the_first_places_and_a_rank_are_read_from_the_index(world: World) -> None:
    play(world, [float(n % 50) for n in range(3000)])
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE strategies_playergamestats")
    rows = PlayerGameStats.objects.filter(game=world.game, n_scores__gt=0)

    top = rows.order_by("-points_total", "player_id").values_list("points_total", "player_id")[:50].explain()
    better = rows.filter(points_total__gt=48).values_list("points_total").explain()

    assert "player_game_leaderboard" in top
    assert "Sort" not in top
    assert "player_game_leaderboard" in better
