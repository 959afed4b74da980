"""The figures of a day from what was counted. Pure: values in, values out."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from kpi.statistics import Weighted, percentile

RETURNING_AFTER_DAYS: Final = (1, 7, 30)
FINAL_AFTER: Final = timedelta(minutes=15)
PROVISIONAL_EVERY: Final = timedelta(minutes=55)
LATE_DAYS: Final = 3
FIRST_DAYS: Final = 31


# ── Days ─────────────────────────────────────────────────────────────────────────────────────────
class Window(NamedTuple):
    begin: datetime
    end: datetime


def window_of(day: date, zone: ZoneInfo) -> Window:
    """Return when a zone's day begins and ends, in UTC: 23 or 25 hours where clocks change."""
    return Window(_midnight(day, zone), _midnight(day + timedelta(days=1), zone))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), zone).astimezone(UTC)


def days_between(first: date, last: date) -> Iterator[date]:
    """Yield the days from the first to the last, both included."""
    return (first + timedelta(days=n) for n in range((last - first).days + 1))


class Due(NamedTuple):
    day: date
    is_provisional: bool


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a realm's rollup has come, and where it began."""

    first_day: date | None = None
    final_through: date | None = None
    provisional_at: datetime | None = None


def due(now: datetime, zone: ZoneInfo, progress: Progress) -> list[Due]:
    """Return the days to roll up now, oldest first.

    A day is final a quarter of an hour after its end. Then the three days before are rolled up again, for data that
    came late; the running day once an hour. After a pause every day that was missed is due, after none at all a month.
    """
    today = now.astimezone(zone).date()
    final = (now - FINAL_AFTER).astimezone(zone).date() - timedelta(days=1)
    found = []
    if progress.final_through is None:
        found = [
            Due(day, is_provisional=False) for day in days_between(final - timedelta(days=FIRST_DAYS), final)
        ]
    elif progress.final_through < final:
        late = progress.final_through - timedelta(days=LATE_DAYS - 1)
        first = max(late, progress.first_day or late)
        found = [Due(day, is_provisional=False) for day in days_between(first, final)]
    if progress.provisional_at is None or now - progress.provisional_at >= PROVISIONAL_EVERY:
        found += [Due(day, is_provisional=True) for day in days_between(final + timedelta(days=1), today)]
    return found


def overdue(now: datetime, zone: ZoneInfo, final_through: date) -> timedelta:
    """Return how long the day after the watermark has been due to be final; nothing if it is not yet."""
    due_at = window_of(final_through + timedelta(days=1), zone).end + FINAL_AFTER
    return max(now - due_at, timedelta(0))


# ── What was counted ─────────────────────────────────────────────────────────────────────────────
class TimeCount(NamedTuple):
    """Requests that took the same time: in all, by the class of their status, to score one event. Weighted."""

    milliseconds: float
    n: float
    n_client_errors: float
    n_server_errors: float
    n_scoring: float


@dataclass(frozen=True, slots=True)
class Requests:
    n: float = 0
    n_client_errors: float = 0
    n_server_errors: float = 0
    n_scoring: float = 0
    n_scoring_over_200_ms: float = 0
    n_scoring_over_500_ms: float = 0
    mean: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None


class Scores(NamedTuple):
    """Test events and reversals are in no number but these: `n_runs` has the tests, `points` what was taken back."""

    n_awards: int = 0
    n_no_awards: int = 0
    n_vetoes: int = 0
    n_fallbacks: int = 0
    points: Decimal = Decimal(0)
    n_runs: int = 0

    @property
    def n(self) -> int:
        return self.n_awards + self.n_no_awards + self.n_vetoes


class Players(NamedTuple):
    """Players who did something that day; of those active 1, 7 and 30 days before, how many, and how many came back."""

    n_active: int = 0
    n_before: tuple[int, ...] = (0, 0, 0)
    n_returned: tuple[int, ...] = (0, 0, 0)


NO_REQUESTS: Final = Requests()
NO_SCORES: Final = Scores()
NO_PLAYERS: Final = Players()


@dataclass(frozen=True, slots=True)
class Counted:
    """All that was counted of a day, of a realm or of all."""

    requests: Requests = NO_REQUESTS
    scores: Scores = NO_SCORES
    players: Players = NO_PLAYERS
    n_actions: int = 0
    n_new_players: int = 0
    n_failed_runs: float = 0
    n_requests_lost: float = 0
    n_traces_lost: int = 0
    uptime_share: float | None = None


def requests_of(times: Iterable[TimeCount]) -> Requests:
    """Sum requests by their times, which come in order."""
    counts = list(times)
    n = sum(each.n for each in counts)
    if not n:
        return NO_REQUESTS
    ordered = [Weighted(each.milliseconds, each.n) for each in counts]
    return Requests(
        n=n,
        n_client_errors=sum(each.n_client_errors for each in counts),
        n_server_errors=sum(each.n_server_errors for each in counts),
        n_scoring=sum(each.n_scoring for each in counts),
        n_scoring_over_200_ms=sum(each.n_scoring for each in counts if each.milliseconds > 200),
        n_scoring_over_500_ms=sum(each.n_scoring for each in counts if each.milliseconds > 500),
        mean=sum(each.milliseconds * each.n for each in counts) / n,
        p50=percentile(ordered, 0.50),
        p95=percentile(ordered, 0.95),
        p99=percentile(ordered, 0.99),
    )


# ── The figures ──────────────────────────────────────────────────────────────────────────────────
Figures = dict[str, int | float | Decimal | None]


def figures(counted: Counted) -> Figures:
    """Return a day's figures by the names of `KpiMetrics`; a share of nothing is None."""
    requests, scores, players = counted.requests, counted.scores, counted.players
    n_runs = scores.n_runs + counted.n_failed_runs
    return {
        "n_requests": round(requests.n),
        "success_rate": share(requests.n - requests.n_client_errors - requests.n_server_errors, requests.n),
        "client_error_rate": share(requests.n_client_errors, requests.n),
        "server_error_rate": share(requests.n_server_errors, requests.n),
        "latency_mean_ms": requests.mean,
        "latency_p50_ms": requests.p50,
        "latency_p95_ms": requests.p95,
        "latency_p99_ms": requests.p99,
        "n_score_requests": round(requests.n_scoring),
        "n_score_requests_over_200_ms": round(requests.n_scoring_over_200_ms),
        "n_score_requests_over_500_ms": round(requests.n_scoring_over_500_ms),
        "n_active_players": players.n_active,
        "n_new_players": counted.n_new_players,
        **_retention(players),
        "interactions_per_player": share(scores.n + counted.n_actions, players.n_active),
        "n_scores": scores.n,
        "n_awards": scores.n_awards,
        "n_no_awards": scores.n_no_awards,
        "n_vetoes": scores.n_vetoes,
        "n_fallbacks": scores.n_fallbacks,
        "points_awarded": scores.points,
        "n_actions": counted.n_actions,
        "uptime_share": counted.uptime_share,
        "n_executions": round(n_runs),
        "execution_error_rate": share(counted.n_failed_runs, n_runs),
        "n_requests_lost": round(counted.n_requests_lost),
        "n_traces_lost": counted.n_traces_lost,
        "completeness": share(requests.n, requests.n + counted.n_requests_lost),
    }


def _retention(players: Players) -> Figures:
    return {
        f"retention_day_{days}": share(returned, before)
        for days, before, returned in zip(
            RETURNING_AFTER_DAYS, players.n_before, players.n_returned, strict=True
        )
    }


def share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
