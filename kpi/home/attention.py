"""What needs somebody's attention, worst first, each with the way to it. Pure but for the addresses."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from django.urls import reverse

from kpi.home.happening import Failing, RequestsNow
from kpi.home.lights import Light, Queues, State
from kpi.keeping import Report
from kpi.objectives import DAYS

ROLLUP_IS_LATE: Final = timedelta(hours=2)
FAILED_SHARE: Final = 0.01


@dataclass(frozen=True, slots=True)
class Concern:
    kind: str
    says: str
    url: str


def of_lights(lights: list[Light]) -> Iterator[Concern]:
    for light in lights:
        if light.state is State.DOWN:
            url = reverse("admin:observability_uptimelogs_changelist") + f"?dependency__exact={light.name}"
            yield Concern("bad", f"{light.name.capitalize()} is down: {light.says}.", url)


def of_requests(now: RequestsNow | None) -> Iterator[Concern]:
    if now and now.n_failed > max(FAILED_SHARE * now.n, 1):
        url = reverse("admin:observability_apirequests_changelist") + "?status=5xx"
        yield Concern("bad", f"{now.n_failed / now.n:.1%} of the last minutes' requests failed (5xx).", url)


def of_failing(failing: list[Failing]) -> Iterator[Concern]:
    for each in failing:
        runs = "run" if each.n == 1 else "runs"
        says = f"{each.strategy.slug}: {each.n:,.0f} {runs} failed in the last 24 hours, mostly {each.code}."
        yield Concern("bad", says, executions_url(each))


def executions_url(failing: Failing) -> str:
    """Return the list of a strategy's failed runs."""
    executions = reverse("admin:observability_strategyexecutionlog_changelist")
    return f"{executions}?strategy={failing.strategy.pk}&kind=error"


def of_idle(idle: list[tuple[UUID, str]]) -> Iterator[Concern]:
    for pk, slug in idle:
        says = f"{slug} is used, and has nothing in production: its events are refused."
        yield Concern("bad", says, reverse("admin:strategies_strategy_change", args=(pk,)))


def of_queues(queues: Queues | None) -> Iterator[Concern]:
    if queues is None:
        return
    executions = reverse("admin:observability_strategyexecutionlog_changelist")
    if queues.is_nearly_full:
        yield Concern("warn", "A queue is nearly full: what comes next may be dropped.", executions)
    if queues.n_put_aside:
        says = f"{queues.n_put_aside:,} messages of traces could not be stored and were put aside."
        yield Concern("warn", says, reverse("dead_letters"))


def of_losses(n_traces: int | None, n_records: float | None) -> Iterator[Concern]:
    if n_traces:
        url = reverse("admin:observability_strategyexecutionlog_changelist")
        yield Concern(
            "warn", f"{n_traces:,} traces were lost in the last 24 hours. Scores were not at risk.", url
        )
    if n_records:
        url = reverse("admin:kpi_kpimetrics_changelist") + "#completeness"
        yield Concern("warn", f"{n_records:,.0f} request records were lost in the last 24 hours.", url)


def of_objectives(report: Report | None) -> Iterator[Concern]:
    for kept in report.kept if report else ():
        if kept.is_met is False:
            objective = kept.objective
            says = (
                f"{objective.title}: the objective is missed. {kept.share:.2%} of the last {DAYS} days' {objective.unit} "
                f"{objective.promise}; the target is {objective.target:.1%}."
            )
            yield Concern("warn", says, f"{reverse('objectives')}#{objective.name}")


def of_rollup(at: datetime | None, now: datetime) -> Iterator[Concern]:
    url = reverse("admin:kpi_kpimetrics_changelist")
    if at is None:
        yield Concern("warn", "Nothing was ever rolled up: start beat, or run manage.py rollup_kpis.", url)
    elif now - at > ROLLUP_IS_LATE:
        hours = (now - at) / timedelta(hours=1)
        yield Concern("warn", f"The last rollup is {hours:,.0f} hours old. Is beat there?", url)
