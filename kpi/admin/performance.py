"""Everything that the page of a strategy's performance shows, of a window of time."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.urls import reverse
from django.utils.http import urlencode

from gameproject.lib.windows import rows_between
from kpi import strategy_metrics, strategy_sources
from kpi.admin.charts import Chart, Line, Mark, Unit
from kpi.strategy_answers import TopError
from kpi.strategy_sources import Part
from observability.models import Logs
from strategies.changes import subject_of
from strategies.models import Strategy, StrategyVersion

MAX_LINES: Final = 6
MAX_MARKS: Final = 20
OTHERS: Final = "others"
MOVES: Final = {"strategy.published": "published", "strategy.rolled_back": "rolled back"}
EPOCH: Final = datetime.fromisoformat("2000-01-01T00:00:00+00:00")  # where the statements' steps begin


class Performance:
    """A strategy's metrics, and how its cases, versions, points and failures went over time."""

    def __init__(self, strategy: Strategy, part: Part, *, version: int | None, step: timedelta) -> None:
        self.strategy, self.part, self.step = strategy, part, step
        self.metrics = strategy_metrics.describe(
            part, strategy_metrics.measure(part), slug=strategy.slug, version=version
        )
        self.times = list(steps(part.since, part.until, step))
        self.runs = strategy_sources.runs_by_time(part, step)
        self.failures = strategy_sources.failures_by_time(part, step)

    def charts(self) -> Iterator[Chart]:
        marks = list(moves(self.strategy, self.part))
        numbers = self._version_numbers()
        cases = self._counted((run.case_name, run.at, run.n) for run in self.runs)
        yield Chart("cases", "Cases over time", Unit.COUNT, self.times, cases, marks=marks)
        versions = self._counted((numbers[run.version_id], run.at, run.n) for run in self.runs)
        yield Chart("versions", "Scores by version", Unit.COUNT, self.times, versions, marks=marks)
        failed = self._counted((each.code, each.at, each.n) for each in self.failures)
        note = "From traces: all failed runs within the budget for storms, so at least these."
        yield Chart("failures", "Failed runs by code", Unit.COUNT, self.times, failed, note, marks)
        yield Chart("points", "Points over time", Unit.POINTS, self.times, [self._points()], marks=marks)

    def _counted(self, rows: Iterable[tuple[str, datetime, float]]) -> list[Line]:
        return lines_of(rows, self.times)

    def _points(self) -> Line:
        by_time: Counter[datetime] = Counter()
        for run in self.runs:
            by_time[run.at] += float(run.points)  # type: ignore[assignment]  # a Counter of floats adds as well
        return Line("points", [by_time[at] for at in self.times])

    def _version_numbers(self) -> Mapping[UUID, str]:
        rows = StrategyVersion.objects.filter(pk__in={run.version_id for run in self.runs})
        return {pk: f"v{number}" for pk, number in rows.values_list("pk", "number")}

    def failed_runs_url(self, **more: str) -> str:
        part = self.part
        since = f"{part.since:%Y-%m-%dT%H:%M}"
        query = {"strategy": str(part.strategy_id), "kind": "error", "since": since, **more}
        return f"{reverse('admin:observability_strategyexecutionlog_changelist')}?{urlencode(query)}"

    def errors(self) -> Iterator[tuple[TopError, str]]:
        """Yield each of the commonest errors with the list of its runs."""
        return ((error, self.failed_runs_url(code=error.code)) for error in self.metrics.top_errors.items)

    def durations(self) -> list[tuple[str, float, float]]:
        """Return label, number and percent of the longest for each bucket that has any."""
        buckets = [
            (f"≤ {each.up_to_seconds * 1000:g} ms" if each.up_to_seconds else "longer", each.n)
            for each in self.metrics.durations_histogram
        ]
        return bars(buckets)

    def points_bins(self) -> list[tuple[str, float, float]]:
        bins = self.metrics.scores.points_histogram
        return bars([(f"{each.low:g} to {each.high:g}", each.n) for each in bins])


def steps(since: datetime, until: datetime, step: timedelta) -> Iterator[datetime]:
    """Yield where the steps of a window begin, as the statements cut them."""
    at = since - (since - EPOCH) % step
    while at < until:
        yield at
        at += step


def lines_of(rows: Iterable[tuple[str, datetime, float]], times: Sequence[datetime]) -> list[Line]:
    """Sum by name and time: the commonest names by themselves, the others together. Pure."""
    by_name: defaultdict[str, Counter[datetime]] = defaultdict(Counter)
    for name, at, n in rows:
        by_name[name][at] += n  # type: ignore[assignment]  # a Counter of floats adds as well
    ranked = sorted(by_name, key=lambda name: (-by_name[name].total(), name))
    shown = ranked if len(ranked) <= MAX_LINES else ranked[: MAX_LINES - 1]
    lines = [Line(name, [by_name[name][at] for at in times]) for name in shown]
    rest = ranked[len(shown) :]
    if rest:
        lines.append(Line(OTHERS, [sum(by_name[name][at] for name in rest) for at in times]))
    return lines


def bars(counted: Sequence[tuple[str, float]]) -> list[tuple[str, float, float]]:
    most = max((n for _label, n in counted), default=0)
    return [(label, n, 100 * n / most) for label, n in counted if n]


def moves(strategy: Strategy, part: Part) -> Iterator[Mark]:
    """Yield when versions went into production, as the audit trail has it."""
    rows = Logs.objects.filter(subject=subject_of(strategy), event__in=MOVES)
    for row in rows_between(rows, part.since, part.until).order_by("-pk")[:MAX_MARKS]:
        yield Mark(row.created_at, _word(row))


def _word(row: Logs) -> str:
    after = row.details.get("after")
    number = after.get("version") if isinstance(after, dict) else None
    return f"v{number}" if number else MOVES[row.event]
