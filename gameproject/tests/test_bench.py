"""The bench's arithmetic, and the ledger that it fills: figures are worth what these are."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.db.models import Count
from django.test import Client
from django.urls import reverse

from bench import admin_pages, dsl, figures, http, plans, results, seeding, stage, turns, wrk
from bench.cpu import tree_seconds
from bench.figures import Figure
from strategies.explaining import Explanation
from strategies.models import Game, PlayerGameStats, PlayerTaskStats, Score, Task, TaskStats
from strategies.models.scores import slot_of
from strategies.tests.conftest import World, fresh_caches, world

__all__ = ["fresh_caches", "world"]

# ── Medians, ratios, noise ───────────────────────────────────────────────────────────────────────


def test_a_ratio_compares_what_was_measured_in_the_same_round() -> None:
    drifting = [100.0, 200.0, 400.0]
    assert figures.ratio([each / 4 for each in drifting], drifting) == 0.25
    assert figures.ratio([1, 2, 9], [3, 1, 2]) == 2, "not the quotient of the medians"


def test_noise_is_the_typical_difference_of_a_thing_from_itself_whichever_came_first() -> None:
    assert figures.noise([100, 100, 100], [110, 90.909090909, 100]) == pytest.approx(0.1)
    assert figures.noise([5, 7], [5, 7]) == 0


def test_a_figure_whose_thing_differs_from_itself_by_over_a_tenth_says_so() -> None:
    assert str(Figure(0.18765, 0.05)) == "0.188 ± 5%"
    assert str(Figure(0.18765, 0.11)) == "0.188 ± 11% TOO NOISY"
    assert str(Figure(12345.6)) == "12300"


def test_what_was_counted_stays_exact() -> None:
    found = results.Findings({"a.n": Figure(12345)})
    assert str(Figure(12345)) == "12345"
    assert results.merged({}, "a", found)["a.n"] == 12345


def test_the_worst_of_several_is_the_least_or_the_most() -> None:
    several = [Figure(1.5, 0.01), Figure(1.2, 0.02)]
    assert figures.worst(several, of=min) == Figure(1.2, 0.02)
    assert figures.worst(several, of=max) == Figure(1.5, 0.01)


def test_things_take_turns_once_a_round_and_not_always_in_the_same_order() -> None:
    asked: list[str] = []

    def ask(name: str) -> int:
        asked.append(name)
        return len(asked)

    found = turns.take_turns(["a", "b", "c"], ask, n_rounds=9, label="three")
    rounds = [asked[n : n + 3] for n in range(0, 27, 3)]
    assert all(sorted(each) == ["a", "b", "c"] for each in rounds)
    assert len({tuple(each) for each in rounds}) > 2
    assert {name: len(values) for name, values in found.items()} == {"a": 9, "b": 9, "c": 9}
    assert [asked[n - 1] for n in found["b"]] == ["b"] * 9


# ── Results ──────────────────────────────────────────────────────────────────────────────────────
def test_a_section_replaces_its_own_results_and_no_others() -> None:
    latest = {
        "http.old": 1,
        "http": {"keys": ["http.old"]},
        "http.cpu": 3,
        "https.x": 2,
        "growth.p50_2m_over_1k": 1.1,
        "growth": {},
    }
    found = results.Findings(
        {"http.new": Figure(0.21234, 0.2), "http.calm": Figure(7)}, {"server": "granian"}
    )
    assert results.merged(latest, "http", found) == {
        "http.cpu": 3,  # another section's
        "https.x": 2,
        "growth.p50_2m_over_1k": 1.1,
        "growth": {},
        "http.new": 0.212,
        "http.calm": 7,
        "http": {
            "server": "granian",
            "keys": ["http.calm", "http.new"],
            "noise": {"http.new": 0.2},
            "tooNoisy": ["http.new"],
        },
    }


def test_results_are_merged_into_the_file(tmp_path: Path) -> None:
    out = tmp_path / "out" / "latest.json"
    results.keep("a", results.Findings({"a.x": Figure(1)}), out)
    results.keep("b", results.Findings({"b.x": Figure(2)}), out)
    assert json.loads(out.read_text()).keys() == {"a", "a.x", "b", "b.x"}
    assert list(out.parent.iterdir()) == [out]


def test_a_table_is_aligned() -> None:
    rows = results.rows_of({"scores": {"rate": 1234.5, "noise": 0.051}, "x": {"rate": 0.12345, "noise": 0.2}})
    assert results.table(["", "rate", "A/A"], rows).splitlines() == [
        "         rate  A/A",
        "scores  1,234   5%",
        "x       0.123  20%",
    ]


# ── wrk ──────────────────────────────────────────────────────────────────────────────────────────
OUTPUT = """Running 1s test @ http://127.0.0.1:1
  1 threads and 8 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     2.15ms    1.25ms  21.35ms   92.03%
  3831 requests in 1.00s, 1.35MB read
  Non-2xx or 3xx responses: 31
Requests/sec:   3826.13
LOAD {"requests":3831,"seconds":2.000000,"mean":4.000,"p50":1.881,"p95":3.9,"p99":8.24,"refused":31,"lost":2}
"""


def test_the_line_that_wrk_ends_with_is_read() -> None:
    load = wrk.parse(OUTPUT)
    assert (load.n_requests, load.p50_ms, load.p95_ms, load.p99_ms) == (3831, 1.881, 3.9, 8.24)
    assert load.per_second == 1900, "answers that are refusals do not count"


@pytest.mark.parametrize(("n_refused", "n_lost"), [(1, 0), (0, 1)])
def test_refused_and_lost_requests_make_a_measurement_fail(n_refused: int, n_lost: int) -> None:
    load = wrk.Load(100, 1, 1, 1, 1, 1, n_refused=n_refused, n_lost=n_lost)
    with pytest.raises(wrk.LoadFailedError, match=f"{n_refused} were refused, {n_lost} lost"):
        load.require_success("scoring")


def test_no_answer_at_all_makes_a_measurement_fail() -> None:
    with pytest.raises(wrk.LoadFailedError, match="no request was answered"):
        wrk.Load(0, 1, 1, 1, 1, 1).require_success("scoring")
    with pytest.raises(wrk.LoadFailedError, match="no figures"):
        wrk.parse("unable to connect to 127.0.0.1:1 Connection refused")


def test_batches_are_counted_by_their_latency_since_a_round_cuts_some_off() -> None:
    load = wrk.Load(n_requests=16, seconds=3, mean_ms=1000, p50_ms=1, p95_ms=1, p99_ms=1)
    batches = http.Round(load, 8, 1000, server_cpu_seconds=2.4, postgres_cpu_seconds=1.2)
    assert batches.per_second == 8000
    assert batches.server_cpu_ms == pytest.approx(0.1)
    assert batches.postgres_cpu_ms == pytest.approx(0.05)
    assert http.Round(load, 8, 0, 0, 0).per_second == pytest.approx(16 / 3)


# ── The sections' own ────────────────────────────────────────────────────────────────────────────
def rows_of_engines(*, n_wrong: int = 0) -> list[dict[str, Any]]:
    plain = {"key": "g", "ratio": 1.0, "pairs": [1.0, 1.2, 0.8], "bad": 0}
    ours = [{"key": key, "ratio": 2.0, "bad": n_wrong} for key in dsl.KEYS]
    return [{"label": "", "us": 1, "lo": 1, "p99": 1, **row} for row in [plain, *ours]]


def test_the_language_is_as_noisy_as_plain_python_beside_it() -> None:
    found = dsl.findings(rows_of_engines()).figures
    assert {
        "dsl.compiled_x_plain",
        "dsl.interpreted_x_plain",
        "dsl.traced_x_plain",
        "dsl.mix_x_plain",
    } <= set(found)
    assert found["dsl.mix_x_plain"].value == 2.0
    assert found["dsl.mix_x_plain"].noise == pytest.approx(0.2)


def test_a_wrong_answer_of_the_language_is_no_figure() -> None:
    with pytest.raises(dsl.WrongAnswerError, match=r"dsl\.compiled_x_plain"):
        dsl.findings(rows_of_engines(n_wrong=1))


def test_pages_are_found_in_what_a_list_offers() -> None:
    text = """
    <a href="?o=1">sorted</a><p class="paginator"><a href="?p=2">2</a> <a href="?p=201" class="end">201</a>
    <nav id="changelist-filter"><a href="?">All</a><a class="x" href="?outcome=award&amp;is_test=0">Award</a>
    <a href="?outcome=award&amp;is_test=0">again</a></nav><a href="?span=all">All times</a>"""
    assert admin_pages.link_queries(text) == ["?outcome=award&is_test=0", "?span=all"]
    assert admin_pages.last_page_query(text) == "?p=201"
    assert (admin_pages.link_queries(""), admin_pages.last_page_query("")) == ([], "")


def test_pages_are_found_in_the_choices_of_a_form_and_what_the_newest_row_is_of() -> None:
    text = """<a href="?span=all">All</a><form method="get"><select name="outcome"><option value="">-</option>
    <option value="veto" selected>Veto</option></select><input type="text" name="external_id"><input type="text" name="x">
    </form><form method="post"><select name="action"><option value="delete">Delete</option></select></form>"""
    newest = Task(external_id="t 1")
    assert admin_pages.form_queries(text, newest) == ["?span=all&outcome=veto", "?span=all&external_id=t+1"]
    assert admin_pages.form_queries(text.replace("?span=all", "?"), None) == ["?outcome=veto"]


def test_a_plan_is_told_by_its_top_node_and_what_was_read_by_what() -> None:
    def scan(partition: str, loops: int) -> dict[str, object]:
        return {"Node Type": "Index Scan", "Index Name": f"log_{partition}_id_idx", "Actual Loops": loops}

    found = {
        "Planning Time": 0.26,
        "Execution Time": 1.5,
        "Plan": {
            "Node Type": "Limit",
            "Actual Rows": 51.0,
            "Shared Hit Blocks": 40,
            "Shared Read Blocks": 2,
            "Plans": [scan("20260101", 1), scan("20260102", 1), scan("20260103", 0), scan("default", 1)],
        },
    }
    assert plans.Plan.of("SELECT\n  1", found) == plans.Plan(
        statement="SELECT 1",
        ms=1.8,
        node="Limit",
        rows=51,
        scans="Index Scan log_*_id_idx × 3",
        buffers=42,
    )


def test_processor_time_holds_that_of_children_that_have_ended() -> None:
    burn = "import time; end = time.process_time() + 0.2\nwhile time.process_time() < end: pass"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {burn!r}]); print(); input()"
    with subprocess.Popen(
        [sys.executable, "-c", parent], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdout
        process.stdout.readline()
        assert 0.2 <= tree_seconds(process.pid) < 2
        process.kill()


# ── On the real database ─────────────────────────────────────────────────────────────────────────
@pytest.mark.django_db
def test_a_server_that_may_lose_a_score_is_refused() -> None:
    stage.require_durability()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL synchronous_commit = off")
        with pytest.raises(stage.StageError, match="synchronous_commit is off"):
            stage.require_durability()


@pytest.mark.django_db
def test_the_slowest_statements_of_a_page_are_explained(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "LEAST_MS", 0.0)
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("bench"))
    found = plans.plans_of(client, reverse("admin:strategies_realm_changelist"))
    assert len(found) == plans.N_STATEMENTS
    assert {plan.statement.partition(" ")[0] for plan in found} == {"SELECT"}
    assert any("strategies_realm" in plan.scans for plan in found)


@pytest.fixture
def seeded(world: World) -> Game:
    game = Game.objects.create(
        realm=world.realm, external_id="seeded", platform="bench", strategy=stage.default_strategy()
    )
    for n in range(10):
        Task.objects.create(realm=world.realm, game=game, external_id=f"t{n}")
    seeding.score_prototypes(stage.World(world.realm, world.key), game)
    ledger = seeding.Ledger(n_scores=600, n_players=20, n_tasks=10, n_tasks_each=3)
    seeding.fill(connection.connection, [game], ledger, label="a small ledger")
    return game


def test_the_figures_of_a_filled_ledger_are_those_of_its_rows(seeded: Game) -> None:
    scores = list(Score.objects.filter(game=seeded).select_related("player").order_by("created_at", "id"))
    assert len(scores) == 610
    of_players = {row.player_id: row for row in PlayerGameStats.objects.filter(game=seeded)}
    of_pairs = {
        (row.player_id, row.task_id): row for row in PlayerTaskStats.objects.filter(task__game=seeded)
    }
    of_slots = {(row.task_id, row.slot): row for row in TaskStats.objects.filter(task__game=seeded)}
    for group, rows in grouped(scores, lambda score: score.player_id):
        assert of_players[group].n_scores == len(rows)
        assert of_players[group].points_total == sum(row.points for row in rows)
    for group, rows in grouped(scores, lambda score: (score.player_id, score.task_id)):
        times = [row.created_at for row in rows]
        figures = of_pairs[group]
        assert (figures.n_scores, figures.first_at, figures.last_at) == (len(rows), times[0], times[-1])
        assert figures.previous_at == (times[-2] if len(times) > 1 else None)
    for group, rows in grouped(scores, lambda score: (score.task_id, slot_of(score.player.external_id))):
        assert of_slots[group].n_scores == len(rows)
        assert of_slots[group].n_awards == sum(row.outcome == "award" for row in rows)


def grouped(scores: list[Score], key: Callable[[Score], Any]) -> list[tuple[Any, list[Score]]]:
    return [
        (group, [score for score in scores if key(score) == group])
        for group in {key(score) for score in scores}
    ]


def test_a_filled_ledger_is_spread_as_it_says_and_each_of_its_scores_can_be_explained(seeded: Game) -> None:
    filled = Score.objects.filter(game=seeded, idempotency_key__startswith="seed-")
    by_player = filled.values("player__external_id").annotate(
        n=Count("id"), n_tasks=Count("task", distinct=True)
    )
    assert {(row["n"], row["n_tasks"]) for row in by_player} == {(30, 3)}
    days = (filled.latest("created_at").created_at - filled.earliest("created_at").created_at).days
    assert days == 29
    assert list(filled.order_by("id")) == list(filled.order_by("created_at"))
    assert all(Explanation(score).reproduced for score in filled[:20])


def test_games_that_are_filled_together_take_turns_and_a_busy_player_has_a_share(world: World) -> None:
    games = [
        world.game,
        Game.objects.create(realm=world.realm, external_id="g2", strategy=world.game.strategy),
    ]
    for game in games:
        Task.objects.bulk_create(Task(realm=world.realm, game=game, external_id=f"t{n}") for n in range(10))
        seeding.score_prototypes(stage.World(world.realm, world.key), game)
    ledger = seeding.Ledger(n_scores=200, n_players=20, n_tasks=10, n_tasks_each=3, busy_every=4)
    seeding.fill(connection.connection, games, ledger, label="two small ledgers")
    filled = Score.objects.filter(idempotency_key__startswith="seed-")
    assert [filled.filter(game=game).count() for game in games] == [200, 200]
    assert filled.filter(game=games[1], task__game=games[1]).count() == 200
    assert filled.filter(player__external_id="p0").count() >= 100


def test_filling_a_ledger_leaves_its_indexes_as_they_were(world: World, seeded: Game) -> None:
    with connection.cursor() as cursor:
        there = {
            name
            for name, each in connection.introspection.get_constraints(cursor, Score._meta.db_table).items()
            if each["index"] or each["unique"]
        }
    declared = {each.name for each in [*Score._meta.indexes, *Score._meta.constraints]}
    assert {name for name in declared if name != "score_outcome_known"} <= there
