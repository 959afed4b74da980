"""The page of the objectives: what is promised, how it was kept, what is left of each budget and on which day it went."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from gameproject.lib import clock
from gameproject.lib.admin.display import NOTHING, Kind
from gameproject.lib.admin.search import may_see
from kpi import keeping, rollup
from kpi.admin.charts import Chart, Line, Unit, Value
from kpi.keeping import Report
from kpi.models import KpiMetrics
from kpi.objectives import Kept
from strategies.models import Realm

LOW: Final = 0.25
PERCENT: Final = "\N{NO-BREAK SPACE}%"
UPTIME: Final = "admin:observability_uptimelogs_changelist"
REQUESTS: Final = "admin:observability_apirequests_changelist"
# The list of what was bad: its name, and what cuts it.
BEHIND: Final = {
    "availability": (UPTIME, "dependency__exact=database"),
    "errors": (REQUESTS, "status=5xx"),
    "score_p95": (REQUESTS, "kind=score&slow=200"),
    "score_p99": (REQUESTS, "kind=score&slow=500"),
    "executions": ("admin:observability_strategyexecutionlog_changelist", "kind=error"),
}


class RealmForm(forms.Form):
    realm = forms.ModelChoiceField(
        Realm.objects.order_by("slug"), to_field_name="slug", required=False, empty_label="all realms"
    )


@dataclass(frozen=True, slots=True)
class Card:
    """An objective as it is shown."""

    kept: Kept
    realm: Realm | None

    @property
    def verdict(self) -> tuple[str, Kind]:
        left = self.kept.budget_left
        if left is None:
            return "not known", "calm"
        if left < 0:
            return "missed", "bad"
        return ("low", "warn") if left < LOW else ("kept", "good")

    @property
    def target_percent(self) -> str:
        return f"{self.kept.objective.target * 100:g}{PERCENT}"

    @property
    def percent(self) -> str:
        if self.kept.share is None:
            return NOTHING
        return f"{self.kept.share * 100:.{3 if self.kept.n_bad else 0}f}{PERCENT}"

    @property
    def percent_left(self) -> float:
        """How long the bar is."""
        return 100 * max(self.kept.budget_left or 0, 0)

    @property
    def url(self) -> str:
        """Lead to what was bad; the uptime log knows no realms."""
        name, query = BEHIND[self.kept.objective.name]
        of_realm = f"&realm={self.realm.slug}" if self.realm and name != UPTIME else ""
        return f"{reverse(name)}?{query}{of_realm}"


def objectives_page(request: HttpRequest) -> HttpResponse:
    if not may_see(request, KpiMetrics):
        raise PermissionDenied
    form = RealmForm(request.GET)
    context = {**admin.site.each_context(request), "title": "Objectives", "form": form}
    if form.is_valid():
        realm = form.cleaned_data["realm"]
        report = keeping.report(realm, clock.now())
        cards = [Card(kept, realm) for kept in report.kept]
        context |= {"realm": realm, "report": report, "cards": cards, "charts": list(_charts(report))}
    return TemplateResponse(request, "admin/kpi/objectives.html", context)


def _charts(report: Report) -> Iterator[Chart]:
    """Draw which day took how much of each budget."""
    days = list(rollup.days_between(report.first, report.last))
    rows = {row.day: row for row in report.rows}
    lines = [
        Line(kept.objective.title, [_spent(kept, rows.get(day)) for day in days])
        for kept in report.kept
        if kept.n
    ]
    note = "Of the budget of all 30 days: 100 % in a day would be all of it."
    yield Chart("spent", "Error budget spent, by day", Unit.SHARE, days, lines, note)


def _spent(kept: Kept, row: KpiMetrics | None) -> Value:
    count = kept.objective.count(row) if row else None
    return rollup.share(count.n_bad, kept.budget) if count else None
