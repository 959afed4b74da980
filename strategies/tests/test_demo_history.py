"""A past made in bulk is a ledger like any other: its figures follow from it, and it is made once."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection

from gameproject.lib import clock
from gameproject.lib.ids import uuid7
from ops.drills.audit import WRONG
from strategies.demo import ensure_demo
from strategies.demo.crowd import Crowd
from strategies.demo.past import events_of_day, shares
from strategies.explaining import Explanation
from strategies.models import Game, Player, PlayerGameStats, Score
from strategies.tests.conftest import World

# What the clients were told is not in question here: nobody was told anything.
RECONCILIATIONS = {
    what: query for what, query in WRONG.items() if not re.search(r"\b(said|sent)\b|FirstTime", query)
}


def fill(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    call_command("demo_history", "--days", "10", "--events", "1500", *arguments)
    return capsys.readouterr().out


def faults() -> dict[str, list[object]]:
    found = {}
    for game in Game.objects.select_related("realm"):
        zone = game.time_zone or game.realm.time_zone
        for what, query in RECONCILIATIONS.items():
            with connection.cursor() as cursor:
                cursor.execute(query.replace("'UTC'", f"'{zone}'"), {"game": game.pk})
                if rows := cursor.fetchall():
                    found[f"{game}: {what}"] = rows[:3]
    return found


def streak_of(player_game: PlayerGameStats) -> int:
    """Count the days in a row that end with the last one, from the ledger."""
    zone = player_game.game.time_zone or player_game.game.realm.time_zone
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT DISTINCT (created_at AT TIME ZONE %s)::date FROM strategies_score"
            " WHERE player_id = %s AND game_id = %s AND NOT is_test",
            [zone, player_game.player_id, player_game.game_id],
        )
        days = {day for (day,) in cursor.fetchall()}
    assert player_game.last_day == max(days)
    n_days = 0
    while max(days) - timedelta(days=n_days) in days:
        n_days += 1
    return n_days


def test_the_figures_are_those_of_the_ledger(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    ensure_demo()

    said = fill(capsys)

    n_scores = Score.objects.count()
    assert 1200 < n_scores <= 1500
    assert f"{n_scores} scores on 10 days" in said
    assert "failed" not in said
    assert len(RECONCILIATIONS) == 6
    assert faults() == {}
    figures = PlayerGameStats.objects.select_related("game__realm").exclude(n_scores=0)
    assert [row for row in figures if row.streak_days != streak_of(row)] == []
    assert max(row.streak_days for row in figures) > 2


def test_scores_lie_in_the_past_with_ids_of_their_times_and_can_be_explained(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    ensure_demo()
    fill(capsys)

    scores = list(Score.objects.order_by("created_at"))
    assert clock.now() - scores[0].created_at > timedelta(days=8)
    assert scores[-1].created_at < clock.now()
    assert {score.created_at.date() for score in scores} >= {
        (clock.now() - timedelta(days=back)).date() for back in range(1, 10)
    }
    for score in scores:
        assert score.pk.int >> 80 == int(score.created_at.timestamp() * 1000)
    assert all(Explanation(score).reproduced for score in scores[::25])
    first_seen = {player.pk: player.created_at for player in Player.objects.all()}
    assert all(first_seen[score.player_id] <= score.created_at for score in scores)
    assert {score.outcome for score in scores} == {"award", "no_award", "veto"}


def test_the_count_of_the_last_minutes_is_the_one_of_that_time(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    ensure_demo()
    fill(capsys)

    with connection.cursor() as cursor:
        cursor.execute("""
            SELECT (facts ->> 'user.recent_measurements_count')::int, (
                SELECT count(*) FROM strategies_score e WHERE e.player_id = s.player_id
                AND e.task_id = s.task_id AND NOT e.is_test AND e.created_at < s.created_at
                AND e.created_at >= s.created_at - interval '300 s')
            FROM strategies_score s WHERE facts ? 'user.recent_measurements_count'""")
        counted = cursor.fetchall()
    assert [pair for pair in counted if pair[0] != pair[1]] == []
    assert max(given for given, _ in counted) >= 2


def test_a_day_that_is_there_stays_as_it_is(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    ensure_demo()
    fill(capsys)
    before = set(Score.objects.values_list("pk", flat=True))

    said = fill(capsys, "--seed", "2")

    assert "0 scores on 0 days" in said
    assert "10 days were filled already" in said
    assert set(Score.objects.values_list("pk", flat=True)) == before


def test_nothing_is_put_before_what_a_player_has_done(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    world.key = ensure_demo().api_key
    busiest = Crowd(1, 1500 // 8).people[0]
    task = busiest.game.open_tasks[-1]
    path = f"/games/{busiest.game.external_id}/tasks/{task}/points"
    assert world.post(path, {"externalUserId": busiest.name}).status_code == 201

    said = fill(capsys)

    assert re.search(r"[1-9]\d* events were left out", said)
    assert Score.objects.filter(player__external_id=busiest.name).count() == 1
    assert faults() == {}


def test_only_the_demo_realm_gets_a_past(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(CommandError, match="not the demo's"):
        fill(capsys, "--realm", world.realm.slug)
    with pytest.raises(CommandError, match="demo_data"):
        fill(capsys)
    assert not Score.objects.exists()


# ── The generator ────────────────────────────────────────────────────────────────────────────────
NOON = datetime(2026, 3, 14, 12, tzinfo=UTC)


def test_the_same_seed_gives_the_same_day_in_order_and_none_of_it_later_than_now() -> None:
    def day(seed: int) -> list[object]:
        crowd = Crowd(seed, 300)
        return list(events_of_day(NOON.date(), n_events=800, crowd=crowd, seed=seed, grown=0.5, until=NOON))

    once = events_of_day(NOON.date(), n_events=800, crowd=Crowd(3, 300), seed=3, grown=0.5, until=NOON)
    assert day(3) == day(3) == list(once)
    assert day(3) != day(4)
    assert [event.at for event in once] == sorted(event.at for event in once)
    assert 100 < len(once) < 700
    assert all(event.at < NOON for event in once)
    assert all(event.happening.person.joined <= 0.5 for event in once)


def test_days_grow_and_weekends_are_busier() -> None:
    days = [NOON.date() + timedelta(days=n) for n in range(70)]
    per_day = shares(days, seed=1)
    assert sum(per_day) == pytest.approx(1)
    assert sum(per_day[-14:]) > 1.5 * sum(per_day[:14])
    saturdays = [share for day, share in zip(days, per_day, strict=True) if day.weekday() == 5]
    mondays = [share for day, share in zip(days, per_day, strict=True) if day.weekday() == 0]
    assert sum(saturdays) > 1.2 * sum(mondays)


def test_an_id_of_another_time_sorts_by_that_time() -> None:
    earlier, later = uuid7(NOON), uuid7(NOON + timedelta(seconds=1))
    assert earlier < later < uuid7()
    assert earlier.version == 7
    assert earlier.int >> 80 == int(NOON.timestamp() * 1000)
