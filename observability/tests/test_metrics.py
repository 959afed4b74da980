"""The metrics: documented, bounded, present from the start, and one scrape for all processes."""

import os
import subprocess
import urllib.request
import uuid
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from gameproject.tests.conftest import Web, serve
from observability import collectors, figures, metrics_document, metrics_text
from observability.tests.conftest import wait_until
from strategies import metrics
from strategies.models import Alias
from strategies.tests.conftest import World, constant_program

DOCUMENT = Path(settings.BASE_DIR) / "docs" / "metrics.md"


def test_the_document_is_what_the_code_says() -> None:
    assert metrics_document.rewrite(DOCUMENT.read_text()) == DOCUMENT.read_text()


def test_the_document_is_written_anew_where_it_is_not() -> None:
    row = "| `scoring_scores_total` | counter | `strategy`, `alias`, `outcome` | Events"
    page = DOCUMENT.read_text()
    assert row in page
    wrong = page.replace(row, "| `scoring_gone_total` | counter | | Gone.")

    found = metrics_document.rewrite(wrong)

    assert "scoring_gone_total" not in found
    assert sorted(found.splitlines()) == sorted(page.splitlines())


@pytest.mark.django_db
def test_every_figure_that_is_described_is_read(world: World, redis: Redis) -> None:
    families = collectors.Figures().collect()
    assert sorted(family.name for family in families) == sorted(each.name for each in figures.described)


def samples(text: bytes | str, name: str) -> dict[tuple[str, ...], float]:
    """Return a metric's values by those of its labels, which are in alphabetical order."""
    text = text.decode() if isinstance(text, bytes) else text
    families = text_string_to_metric_families(text)
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
        if sample.name == name
    }


@pytest.mark.parametrize(
    ("name", "n_series"),
    [
        ("scoring_score_duration_seconds_count", 8),
        ("scoring_auth_failures_total", 2),
        ("scoring_throttled_total", 2),
        ("scoring_strategy_cache_operations_total", 2),
        ("scoring_requests_in_progress", 2),
        ("scoring_log_records_total", 5),
        ("scoring_sentry_events_total", 3),
        ("dsl_execution_log_dropped_total", 5),
        ("dsl_execution_log_offered_total", 3),
        ("dsl_execution_log_persisted_total", 3),
        ("dsl_execution_log_unconfirmed_total", 1),
        ("dsl_execution_log_lag_seconds_count", 1),
        ("scoring_api_requests_dropped_total", 4),
        ("django_db_query_duration_seconds_count", 1),
    ],
)
def test_series_are_there_before_anything_has_happened(name: str, n_series: int) -> None:
    assert len(samples(metrics_text.of_processes(), name)) == n_series


def test_what_statements_may_well_fail_with_is_there_before_they_fail() -> None:
    errors = {error for _, error, _ in samples(metrics_text.of_processes(), "django_db_errors_total")}

    assert {
        "DeadlockDetected",
        "LockNotAvailable",
        "OperationalError",
        "QueryCanceled",
        "UniqueViolation",
    } <= errors


def test_names_are_bounded() -> None:
    bounded = metrics.Bounded(2)

    assert [bounded(name) for name in ("a", "b", "c", "a", "d")] == ["a", "b", "other", "a", "other"]


def test_a_score_is_counted_under_its_strategy_and_case() -> None:
    name = f"s-{uuid.uuid4()}"
    award, penalty, failed = (
        metrics.Counted(name, "production", "award", 5.0, "Done"),
        metrics.Counted(name, "production", "award", -2.0, None),
        metrics.Counted(name, "production", "error", 0.0, None),
    )
    metrics.scored([award, penalty, award, failed])

    text = metrics_text.of_processes()
    assert samples(text, "scoring_scores_total")["production", "award", name] == 3
    assert samples(text, "scoring_scores_total")["production", "error", name] == 1
    assert samples(text, "scoring_points_awarded_total")[(name,)] == 10
    assert samples(text, "scoring_case_matches_total")["Done", name] == 2


def test_a_figure_is_read_once_in_its_time_and_absent_where_it_cannot_be_read() -> None:
    now, n_reads = [0.0], 0

    def read() -> list[Any]:
        nonlocal n_reads
        n_reads += 1
        if n_reads == 2:
            raise OSError
        return ["read"]

    cached = collectors.Cached(read, seconds=15, timer=lambda: now[0])

    def read_at(seconds: float) -> list[Any]:
        now[0] = seconds
        return list(cached())

    seen = [read_at(seconds) for seconds in (0.0, 14.9, 15.0, 31.0)]
    assert seen == [["read"], ["read"], [], ["read"]]
    assert n_reads == 3


@pytest.mark.django_db
def test_figures_say_what_the_rows_say(world: World, redis: Redis) -> None:
    world.task("t1", world.strategy("Points", constant_program(1)))
    retired = world.strategy("Retired", constant_program(1))
    world.task("t2", retired)
    retired.aliases.all().delete()
    world.score("ana")
    world.score("ana")
    world.score("ben")
    redis.lpush("default", "a message")

    found = {family.name: family for family in collectors.Figures().collect()}

    assert found["scoring_active_players"].samples[0].value == 2
    assert found["scoring_strategies_without_production"].samples[0].value == 1
    assert {each.labels["queue"]: each.value for each in found["scoring_queue_length"].samples}[
        "default"
    ] == 1
    moved_at = {
        each.labels["strategy"]: each.value
        for each in found["scoring_strategy_last_published_timestamp_seconds"].samples
    }
    assert moved_at["points"] == pytest.approx(
        Alias.objects.get(strategy__slug="points").moved_at.timestamp()
    )
    assert "retired" not in moved_at
    up = {each.labels["dependency"]: each.value for each in found["scoring_dependency_up"].samples}
    assert up == {"database": 1, "broker": 1, "worker": 0, "beat": 0}


def test_the_gauges_of_the_dead_are_forgotten(tmp_path: Path) -> None:
    dead, living, counts = (
        tmp_path / f"gauge_livesum_{2**22 + 1}.db",
        tmp_path / f"gauge_livemax_{os.getpid()}.db",
        tmp_path / f"counter_{2**22 + 1}.db",
    )
    for path in (dead, living, counts):
        path.touch()

    metrics_text.forget_the_dead(tmp_path)

    assert (dead.exists(), living.exists(), counts.exists()) == (False, True, True)


@pytest.fixture
def two_processes(world: World, redis: Redis, tmp_path: Path) -> Any:
    with serve(
        n_processes=2, PROMETHEUS_MULTIPROC_DIR=str(tmp_path), METRICS_ALLOWED_NETWORKS="127.0.0.0/8"
    ) as web:
        yield web


def scrape(web: Web) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{web.port}/metrics") as answer:
        text: str = answer.read().decode()
        return text


def test_one_scrape_sees_all_web_processes(two_processes: Web, world: World, tmp_path: Path) -> None:
    world.task("t1", world.strategy("Points", constant_program(1)))
    for n in range(40):
        assert two_processes.score(world, f"player-{n}").status == 201

    def n_runs() -> float:
        return sum(samples(scrape(two_processes), "dsl_execution_duration_seconds_count").values())

    wait_until(lambda: n_runs() == 40)  # the other process tells once a second
    assert [n_runs() for _ in range(4)] == [40] * 4
    text = scrape(two_processes)
    assert len(list(tmp_path.glob("counter_*.db"))) == 2
    assert samples(text, "scoring_build_info")["production", settings.VERSION] == 1
    assert samples(text, "scoring_process_memory_bytes")[("web",)] > 10_000_000


@pytest.mark.requires_tool("promtool")
def test_promtool_has_nothing_to_say_of_a_scrape(two_processes: Web, world: World) -> None:
    world.task("t1", world.strategy("Points", constant_program(1)))
    assert two_processes.score(world, "ana").status == 201

    told = subprocess.run(
        ["promtool", "check", "metrics"],
        input=scrape(two_processes),
        capture_output=True,
        text=True,
        check=False,
    )

    assert (told.returncode, told.stdout, told.stderr) == (0, "", "")
