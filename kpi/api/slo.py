"""How a realm's objectives are kept."""

from datetime import date, datetime

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request

from gameproject.lib import clock
from gameproject.lib.openapi import endpoint
from kpi import keeping
from kpi.api.daily import TAG
from kpi.keeping import Report
from kpi.objectives import DAYS, Kept
from strategies.api.base import ApiView, json_response


class KeptObjective(msgspec.Struct, rename="camel", kw_only=True):
    """`n` is what there was, `nBad` how much of it was bad, `errorBudget` how much may be, all in `unit`.

    `share` was good. `errorBudgetLeft` is a share of the budget: below 0 the objective is missed. Null where there was nothing.
    """

    name: str
    target: float
    unit: str
    within_milliseconds: int | None
    source: str
    n_days: int
    n: float
    n_bad: float
    share: float | None
    error_budget: float
    error_budget_left: float | None
    is_met: bool | None


class SloAnswer(msgspec.Struct, rename="camel", kw_only=True):
    """`nDays`: those that were rolled up; an objective's own `nDays` are those that knew what it counts."""

    time_zone: str
    first_day: date
    last_day: date
    n_days: int
    rolled_up_at: datetime | None
    n_requests_lost: int
    completeness: float | None
    objectives: list[KeptObjective]


class SloView(ApiView):
    @endpoint(
        name="getObjectives",
        summary="Service level objectives, and what is left of their error budgets",
        tag=TAG,
        scope="read",
        answers={200: SloAnswer},
        details=(
            f"Of the realm's last {DAYS} days; the running one as it stood at its last rollup. Sums of the rows that "
            "`/kpi/daily` gives."
        ),
    )
    def get(self, request: Request) -> HttpResponse:
        return json_response(_answer(keeping.report(self.realm, clock.now())))


def _answer(report: Report) -> SloAnswer:
    return SloAnswer(
        time_zone=report.time_zone,
        first_day=report.first,
        last_day=report.last,
        n_days=len(report.rows),
        rolled_up_at=report.rolled_up_at,
        n_requests_lost=report.n_requests_lost,
        completeness=report.completeness,
        objectives=[_objective(kept) for kept in report.kept],
    )


def _objective(kept: Kept) -> KeptObjective:
    objective = kept.objective
    return KeptObjective(
        name=objective.name,
        target=objective.target,
        unit=objective.unit,
        within_milliseconds=objective.within_milliseconds,
        source=objective.source,
        n_days=kept.n_days,
        n=kept.n,
        n_bad=kept.n_bad,
        share=kept.share,
        error_budget=kept.budget,
        error_budget_left=kept.budget_left,
        is_met=kept.is_met,
    )
