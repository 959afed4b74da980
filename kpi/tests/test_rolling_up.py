"""Rolled-up rows are what a naive computation gives: on any day, in any zone, once or twice, killed or not."""

import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kpi import metrics, rolling_up, rollup, sources
from kpi.models import KpiMetrics, RollupProgress
from kpi.rolling_up import Part
from kpi.sources import Scope
from kpi.tests.past import Figures, Happened, Past
from observability.models import ApiRequests
from strategies.models import Realm

ZONES = (
    "UTC",
    "Europe/Vienna",
    "America/New_York",
    "Asia/Kathmandu",
    "Australia/Lord_Howe",
    "America/Havana",
)
DAYS = (
    date(2025, 3, 30),  # clocks go forward in Vienna
    date(2025, 10, 26),  # and back
    date(2025, 3, 9),  # forward in New York and Havana, there at midnight
    date(2025, 11, 2),
    date(2025, 10, 5),  # half an hour forward on Lord Howe
    date(2024, 2, 29),
    date(2025, 1, 1),
    date(2026, 6, 15),
)
NOON = datetime(2026, 6, 15, 12, tzinfo=UTC)


def times(day: date, zone: ZoneInfo) -> st.SearchStrategy[datetime]:
    """Times on the day, on the days that retention looks at, beside them, and just at midnight."""
    back = st.sampled_from([-1, 0, 0, 0, 0, 1, 2, 7, 8, 30, 31])
    begin = back.map(
        lambda n: datetime.combine(day - timedelta(days=n), datetime.min.time(), zone).astimezone(UTC)
    )
    shift = st.one_of(
        st.sampled_from([timedelta(0), -timedelta(milliseconds=1)]),
        st.integers(0, 86_400).map(lambda seconds: timedelta(seconds=seconds)),
    )
    return st.builds(lambda at, by: at + by, begin, shift)


def happenings(day: date, zone: ZoneInfo) -> st.SearchStrategy[Happened]:
    return st.builds(
        Happened,
        what=st.sampled_from(
            ["score", "score", "score", "action", "request", "request", "lost", "failure", "trace_lost"]
        ),
        at=times(day, zone),
        realm=st.integers(0, 1),
        player=st.integers(0, 3),
        outcome=st.sampled_from(["award", "award", "no_award", "veto", "reversal"]),
        points=st.integers(-5, 100),
        is_test=st.booleans(),
        has_fallback=st.booleans(),
        status=st.sampled_from([200, 201, 301, 400, 404, 429, 500, 503]),
        milliseconds=st.sampled_from([0.5, 3.0, 12.3, 200.0, 201.0, 500.0, 501.0]),
        weight=st.sampled_from([1, 1, 2, 4]),
        is_batch=st.booleans(),
    )


@st.composite
def pasts(draw: st.DrawFn) -> tuple[date, ZoneInfo, list[Happened]]:
    day, zone = draw(st.sampled_from(DAYS)), ZoneInfo(draw(st.sampled_from(ZONES)))
    return day, zone, draw(st.lists(happenings(day, zone), max_size=40))


def stored(realm: Realm | None, day: date) -> Figures:
    row = KpiMetrics.objects.get(realm=realm, day=day)
    return {name: getattr(row, name) for name in rollup.figures(rollup.Counted())}


def agree(found: Figures, expected: Figures) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        assert found[name] == (pytest.approx(value) if isinstance(value, float) else value), name


def two_realms(zone: str = "UTC") -> list[Realm]:
    return [Realm.objects.create(slug=f"r{n}", name=f"r{n}", time_zone=zone) for n in range(2)]


@given(past=pasts())
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rows_equal_the_naive_computation(db: None, past: tuple[date, ZoneInfo, list[Happened]]) -> None:
    day, zone, happened = past
    with transaction.atomic():
        made = Past(two_realms(zone.key), happened)
        made.store()
        rolling_up.roll_up_days(day, day)

        for n, realm in enumerate(made.realms):
            agree(stored(realm, day), made.figures(n, day, zone))
        agree(stored(None, day), made.figures(None, day, ZoneInfo("UTC")))
        transaction.set_rollback(True)


@given(
    day=st.dates(date(2015, 1, 1), date(2035, 12, 31)),
    zone=st.sampled_from(ZONES),
    minutes=st.integers(-180, 1620),
)
def test_the_windows_of_days_are_what_clocks_on_the_wall_say(day: date, zone: str, minutes: int) -> None:
    window = rollup.window_of(day, ZoneInfo(zone))
    at = window.begin + timedelta(minutes=minutes)
    assert (window.begin <= at < window.end) == (at.astimezone(ZoneInfo(zone)).date() == day)
    assert window.end == rollup.window_of(day + timedelta(days=1), ZoneInfo(zone)).begin


def test_a_day_of_nothing_is_a_row_of_nothing(db: None) -> None:
    (realm, _other) = two_realms()
    rolling_up.roll_up_days(NOON.date(), NOON.date())
    agree(stored(realm, NOON.date()), Past([realm]).figures(0, NOON.date(), ZoneInfo("UTC")))
    assert stored(realm, NOON.date())["success_rate"] is None


# ── What is due ──────────────────────────────────────────────────────────────────────────────────
def due(
    now: datetime, zone: str, final: date | None, provisional_at: datetime | None = None
) -> list[tuple[str, bool]]:
    progress = rollup.Progress(None, final, provisional_at)
    return [(str(each.day), each.is_provisional) for each in rollup.due(now, ZoneInfo(zone), progress)]


def test_the_running_day_is_due_once_an_hour() -> None:
    yesterday = date(2026, 6, 14)
    assert due(NOON, "UTC", yesterday) == [("2026-06-15", True)]
    assert due(NOON, "UTC", yesterday, NOON - timedelta(hours=1)) == [("2026-06-15", True)]
    assert due(NOON, "UTC", yesterday, NOON - timedelta(minutes=45)) == []


def test_a_day_is_final_a_quarter_past_midnight_of_its_realm_and_the_three_before_come_again() -> None:
    midnight = datetime(2026, 6, 14, 22, tzinfo=UTC)  # of the 15th in Vienna
    recent = midnight - timedelta(minutes=10)
    final = date(2026, 6, 13)
    assert due(midnight + timedelta(minutes=14), "Europe/Vienna", final, recent) == []
    days = [
        each for each, _provisional in due(midnight + timedelta(minutes=15), "Europe/Vienna", final, recent)
    ]
    assert days == ["2026-06-11", "2026-06-12", "2026-06-13", "2026-06-14"]


def test_days_that_were_missed_are_due() -> None:
    days = due(NOON, "UTC", date(2026, 6, 10), NOON)
    assert [day for day, _provisional in days] == [f"2026-06-{n:02}" for n in range(8, 15)]


def test_the_first_time_a_month_is_due() -> None:
    days = due(NOON, "UTC", None)
    assert (len(days), days[0], days[-1]) == (33, ("2026-05-14", False), ("2026-06-15", True))


# ── Again, at once, killed ───────────────────────────────────────────────────────────────────────
@pytest.fixture
def past(transactional_db: None) -> Past:
    realms = two_realms("Europe/Vienna")
    happened = [
        Happened("score", NOON - timedelta(days=n, hours=n), n % 2, player=n % 3, points=n) for n in range(10)
    ]
    made = Past(
        realms, [*happened, Happened("request", NOON, 0, status=500), Happened("lost", NOON, 0, weight=3)]
    )
    made.store()
    return made


def rows() -> list[dict[str, object]]:
    return [
        {name: value for name, value in row.items() if name not in {"id", "rolled_up_at"}}
        for row in KpiMetrics.objects.order_by("day", "realm_id").values()
    ]


def test_what_is_due_is_rolled_up_and_then_nothing_is(past: Past) -> None:
    with time_machine.travel(NOON, tick=False):
        assert rolling_up.roll_up_due(NOON) == 2 * 33
        assert rolling_up.roll_up_due(NOON) == 0
    assert KpiMetrics.objects.filter(is_provisional=True).count() == 3
    assert set(RollupProgress.objects.values_list("final_through", flat=True)) == {date(2026, 6, 14)}


def lag_seconds() -> list[float]:
    (metric,) = metrics.watermark_lag()
    return [sample.value for sample in metric.samples]


def test_the_watermark_lags_from_when_a_day_is_due_until_it_is_final(past: Past) -> None:
    with time_machine.travel(NOON, tick=False):
        Realm.objects.update(created_at=NOON - timedelta(minutes=3))
        assert lag_seconds() == [180], "a realm that was never rolled up"
        rolling_up.roll_up_due(NOON)
        assert lag_seconds() == [0]
    due_in_vienna = datetime(2026, 6, 15, 22, 15, tzinfo=UTC)
    for hours, lag in ((0, 0), (3, 3 * 3600)):
        with time_machine.travel(due_in_vienna + timedelta(hours=hours), tick=False):
            assert lag_seconds() == [lag]


def test_late_data_are_in_the_next_final_rollup(past: Past) -> None:
    with time_machine.travel(NOON, tick=False):
        rolling_up.roll_up_due(NOON)
    Past([past.realms[0]], [Happened("request", NOON - timedelta(days=2), 0)]).store()
    tomorrow = NOON + timedelta(days=1)
    with time_machine.travel(tomorrow, tick=False):
        rolling_up.roll_up_due(tomorrow)
    assert stored(past.realms[0], date(2026, 6, 13))["n_requests"] == 1


def test_killed_in_the_middle_and_started_again_gives_the_same_rows(
    past: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    with time_machine.travel(NOON, tick=False):
        rolling_up.roll_up_due(NOON)
        expected = rows()
        KpiMetrics.objects.all().delete()
        RollupProgress.objects.all().delete()

        for n_steps in (0, 5, 20, 40):
            with monkeypatch.context() as dying:
                dying.setattr(sources, "failed_runs", dies_after(n_steps))
                with pytest.raises(KeyboardInterrupt):
                    rolling_up.roll_up_due(NOON)
        rolling_up.roll_up_due(NOON)
    assert rows() == expected


def dies_after(n_steps: int) -> object:
    left = iter(range(n_steps))
    real = sources.failed_runs

    def failed_runs(*arguments: object) -> object:
        if next(left, None) is None:
            raise KeyboardInterrupt
        return real(*arguments)  # type: ignore[arg-type]  # passed on

    return failed_runs


def test_two_at_once_give_the_same_rows_as_one(past: Past) -> None:
    first, last = date(2026, 6, 10), date(2026, 6, 14)
    rolling_up.roll_up_days(first, last)
    expected = rows()
    KpiMetrics.objects.all().delete()

    threads = [threading.Thread(target=in_a_thread, args=(first, last)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)

    assert rows() == expected


def in_a_thread(first: date, last: date) -> None:
    try:
        rolling_up.roll_up_days(first, last)
    finally:
        connection.close()


def test_a_provisional_row_does_not_replace_a_final_one(past: Past) -> None:
    day, zone = date(2026, 6, 14), ZoneInfo("Europe/Vienna")
    scope = Scope((past.realms[0].pk,))
    rolling_up.roll_up(Part(day, zone, scope, is_provisional=False))
    rolling_up.roll_up(Part(day, zone, scope, is_provisional=True))
    assert not KpiMetrics.objects.get(day=day).is_provisional


def test_the_command_rolls_up_its_days_and_moves_no_watermark(
    past: Past, capsys: pytest.CaptureFixture[str]
) -> None:
    call_command("rollup_kpis", "--from", "2026-06-13", "--to", "2026-06-14")
    assert KpiMetrics.objects.count() == 2 * 3
    assert not RollupProgress.objects.exists()
    assert capsys.readouterr().out.startswith("4 rollups in ")
    assert stored(past.realms[1], date(2026, 6, 14))["points_awarded"] == Decimal(1)


def test_a_day_whose_request_records_are_gone_keeps_what_it_said_of_them(past: Past) -> None:
    with time_machine.travel(NOON, tick=False):
        rolling_up.roll_up_due(NOON)
    ApiRequests.objects.all().delete()
    with time_machine.travel(NOON + timedelta(days=31), tick=False):
        rolling_up.roll_up_days(NOON.date(), NOON.date())
    assert stored(past.realms[0], NOON.date())["n_requests"] == 1


def test_the_command_refuses_days_in_the_wrong_order(db: None) -> None:
    with pytest.raises(CommandError, match="lies before"):
        call_command("rollup_kpis", "--from", "2026-06-14", "--to", "2026-06-13")
