"""The demo's past has figures and traces too: an incident that shows, a change of version, and nothing twice."""

from datetime import UTC, date, datetime

import pytest
import time_machine
from django.core.management import call_command
from django.core.management.base import CommandError
from pytest_django import Settings

from kpi.models import KpiMetrics
from observability.models import ApiRequests, StrategyExecutionLog
from observability.replaying import compare
from strategies.demo import ensure_demo
from strategies.demo.crowd import Crowd
from strategies.demo.past import events_of_day, incident_of
from strategies.models import Score

THURSDAY = date(2026, 3, 12)


def test_the_second_thursday_of_a_month_has_an_incident() -> None:
    assert incident_of(THURSDAY) == (
        datetime(2026, 3, 12, 16, tzinfo=UTC),
        datetime(2026, 3, 12, 18, 30, tzinfo=UTC),
    )
    assert incident_of(date(2026, 3, 5)) is None
    assert incident_of(date(2026, 3, 13)) is None


def test_most_events_of_an_incident_are_missing() -> None:
    later = datetime(2027, 1, 1, tzinfo=UTC)

    def between(day: date) -> int:
        events = events_of_day(day, n_events=4000, crowd=Crowd(1, 400), seed=1, grown=1.0, until=later)
        return sum((16, 0) <= (event.at.hour, event.at.minute) < (18, 30) for event in events)

    assert between(THURSDAY) < 0.4 * between(date(2026, 3, 5))


def test_the_past_gets_records_and_figures_once(transactional_db: None) -> None:
    with time_machine.travel(datetime(2026, 3, 14, 20, tzinfo=UTC), tick=True):
        ensure_demo()
        call_command("demo_history", "--days", "4", "--events", "800")
        call_command("demo_kpis", "--days", "4")
        n_records, n_traces = ApiRequests.objects.count(), StrategyExecutionLog.objects.count()
        call_command("demo_kpis", "--days", "4")

    assert ApiRequests.objects.count() == n_records > Score.objects.count()
    assert StrategyExecutionLog.objects.count() == n_traces > 0
    days = {row.day: row for row in KpiMetrics.objects.filter(realm=None)}
    assert days[THURSDAY].server_error_rate > 0.02  # type: ignore[operator]  # there were requests
    assert days[date(2026, 3, 11)].server_error_rate == 0
    versions = Score.objects.filter(strategy__slug="lesson-points").values_list(
        "strategy_version__number", flat=True
    )
    assert set(versions) == {1, 2}


def test_the_past_has_traces_that_stand_for_its_scores_and_failures_that_replay(
    transactional_db: None, settings: Settings
) -> None:
    settings.DSL_EXECUTION_LOG_SAMPLE_RATE = 0.5
    with time_machine.travel(datetime(2026, 3, 12, 20, tzinfo=UTC), tick=True):
        ensure_demo()
        call_command("demo_history", "--days", "2", "--events", "1200")
        call_command("demo_kpis", "--days", "2")
        begin, end = incident_of(THURSDAY)  # type: ignore[misc]  # that day has one

        traced = StrategyExecutionLog.objects.filter(is_error=False)
        assert sum(row.weight for row in traced) == pytest.approx(Score.objects.count(), rel=0.15)
        assert {row.weight for row in traced} == {1.0, 2.0}, "slow ones of the incident, and sampled ones"
        failed = StrategyExecutionLog.objects.filter(is_error=True)
        timed_out = failed.filter(code="DSL_TIMEOUT")
        assert timed_out.count() > 1
        assert all(begin <= row.created_at < end for row in timed_out)
        spoilt = failed.exclude(code="DSL_TIMEOUT").select_related("strategy_version__strategy")
        assert {row.code for row in spoilt} >= {"DSL_INPUT_TYPE", "DSL_INPUT_MISSING"}
        assert {compare(row, row.strategy_version).verdict for row in spoilt} == {"same"}
        day = KpiMetrics.objects.get(realm=None, day=THURSDAY)
    assert day.execution_error_rate is not None
    assert day.execution_error_rate > 0.01


def test_there_is_no_past_without_the_demos_realm(db: None) -> None:
    with pytest.raises(CommandError, match="demo_data"):
        call_command("demo_kpis")
