"""How a strategy does: its figures in a window of time, and two of its versions side by side."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse

from gameproject.lib import clock
from gameproject.lib.admin.search import may_see
from gameproject.lib.postgresql.timeouts import StatementTimeout, statement_timeout
from kpi import strategy_metrics
from kpi.admin.performance import Performance
from kpi.models import KpiMetrics
from kpi.strategy_answers import Interval
from kpi.strategy_sources import Part
from strategies.models import Realm, Strategy, StrategyVersion

SECONDS: Final = 3.0
HOUR: Final = timedelta(hours=1)
DAY: Final = timedelta(days=1)
# Words, length, and the step of the charts.
SPANS: Final = {
    "24h": ("24 hours", DAY, HOUR),
    "7d": ("7 days", 7 * DAY, 6 * HOUR),
    "30d": ("30 days", 30 * DAY, DAY),
    "90d": ("90 days", 90 * DAY, DAY),
}
DEFAULT_SPAN: Final = "24h"
MAX_VERSIONS: Final = 100


class WindowForm(forms.Form):
    span = forms.ChoiceField(
        choices=[(key, words) for key, (words, _length, _step) in SPANS.items()],
        required=False,
        widget=forms.HiddenInput,
    )
    version = forms.TypedChoiceField(coerce=int, required=False, empty_value=None)
    realm = forms.ModelChoiceField(
        Realm.objects.order_by("slug"), to_field_name="slug", required=False, empty_label=None
    )

    def __init__(self, data: Any, strategy: Strategy, versions: list[StrategyVersion]) -> None:
        super().__init__(data)
        numbers = [(each.number, f"v{each.number}") for each in versions]
        self.fields["version"].choices = [("", "all"), *numbers]  # type: ignore[attr-defined]  # a choice field
        if strategy.realm_id is not None:
            del self.fields["realm"]  # it scores in its own alone

    @property
    def current_span(self) -> str:
        given = self.data.get("span", "")
        return given if given in SPANS else DEFAULT_SPAN


@dataclass(frozen=True, slots=True)
class Asked:
    """What a page of a strategy was asked for."""

    strategy: Strategy
    versions: list[StrategyVersion]
    form: WindowForm
    realm: Realm | None
    until: datetime

    @property
    def step(self) -> timedelta:
        return SPANS[self.form.current_span][2]

    def part(self, number: int | None) -> Part:
        """Return the window of one version, or of all."""
        version_id = next((each.pk for each in self.versions if each.number == number), None)
        since = self.until - SPANS[self.form.current_span][1]
        realm_id: UUID = self.realm.pk if self.realm else UUID(int=0)
        return Part(realm_id, self.strategy.pk, version_id, since, self.until)


def _asked(request: HttpRequest, pk: UUID) -> Asked:
    if not (may_see(request, Strategy) and may_see(request, KpiMetrics)):
        raise PermissionDenied
    strategy = get_object_or_404(Strategy.objects.select_related("realm"), pk=pk)
    versions = list(
        strategy.versions.filter(published_at__isnull=False)
        .only("id", "number", "strategy")
        .order_by("-number")[:MAX_VERSIONS]
    )
    form = WindowForm(request.GET, strategy, versions)
    chosen = form.cleaned_data if form.is_valid() else {}
    realm = strategy.realm or chosen.get("realm") or Realm.objects.order_by("slug").first()
    return Asked(strategy, versions, form, realm, clock.now())


def performance_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    asked = _asked(request, pk)
    number = asked.form.cleaned_data.get("version") if asked.form.is_valid() else None
    try:
        with statement_timeout(SECONDS):
            shown = Performance(asked.strategy, asked.part(number), version=number, step=asked.step)
            return _render(request, asked, "performance", shown=shown, charts=list(shown.charts()))
    except StatementTimeout:
        return _render(request, asked, "performance", is_too_wide=True)


def comparison_page(request: HttpRequest, pk: UUID) -> HttpResponse:
    asked = _asked(request, pk)
    numbers = [_number(request.GET.get(name)) for name in ("a", "b")]
    known = {version.number for version in asked.versions}
    if not set(numbers) <= known:
        return _render(request, asked, "comparison", is_unknown=True)
    try:
        with statement_timeout(SECONDS):
            lines = list(_compare(asked, *numbers))
    except StatementTimeout:
        return _render(request, asked, "comparison", is_too_wide=True)
    return _render(request, asked, "comparison", lines=lines, a=numbers[0], b=numbers[1])


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) < 10 else 0  # an int


@dataclass(frozen=True, slots=True)
class Compared:
    """A figure on both sides, and second minus first. `factor` leads from its unit to the one that is shown."""

    name: str
    source: str
    a: Interval | None
    b: Interval | None
    difference: Interval | None
    factor: float = 1.0
    unit: str = ""

    @property
    def is_clear(self) -> bool:
        """Tell whether the difference's interval leaves no room for none."""
        found = self.difference
        return bool(found and found.low is not None and found.high is not None and found.low * found.high > 0)


# Name, source, what it is called in `Differences`, and how it is shown.
COMPARED: Final = (
    ("Runs that succeeded", "ledger and traces", "success_rate", 100, " %"),
    ("Runs that failed", "ledger and traces", "error_rate", 100, " %"),
    ("Scores with an award", "ledger", "award_rate", 100, " %"),
    ("Vetoes", "ledger", "veto_rate", 100, " %"),
    ("Points of a score, mean", "ledger", "mean_points", 1, ""),
    ("Duration, mean", "traces", "mean_duration_seconds", 1000, " ms"),
    ("Nodes, mean", "traces", "mean_nodes", 1, ""),
)


def _compare(asked: Asked, a: int, b: int) -> Iterator[Compared]:
    measured = [strategy_metrics.measure(asked.part(number)) for number in (a, b)]
    first, second = map(strategy_metrics.compared, measured)
    differences = strategy_metrics.differences(*measured)
    for name, source, figure, factor, unit in COMPARED:
        a_side, b_side, difference = (getattr(each, figure) for each in (first, second, differences))
        yield Compared(name, source, a_side, b_side, difference, factor, unit)


def _render(request: HttpRequest, asked: Asked, name: str, **context: object) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": f"{asked.strategy.name}: {name}",
        "strategy": asked.strategy,
        "asked": asked,
        "form": asked.form,
        "spans": {key: words for key, (words, _length, _step) in SPANS.items()},
        **context,
    }
    return TemplateResponse(request, f"admin/kpi/{name}.html", context)
