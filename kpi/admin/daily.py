"""The KPI pages: every figure over time, of a realm or of all, and each day by itself."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path

from gameproject.lib import clock
from gameproject.lib.admin import ReadOnlyAdmin
from gameproject.lib.admin.exports import CONTENT_TYPES, csv_line
from kpi import rollup
from kpi.admin import panels
from kpi.models import KpiMetrics
from observability import audit
from strategies.models import Realm

SPANS: Final = {7: "7 days", 30: "30 days", 90: "90 days", 365: "A year"}
DEFAULT_DAYS: Final = 30
MAX_DAYS: Final = 800
ALL: Final = "all realms"


def _day_field(label: str) -> forms.DateField:
    return forms.DateField(label=label, required=False, widget=forms.DateInput(attrs={"type": "date"}))


class SpanOfDaysForm(forms.Form):
    """`first` and `last`, where given, win over `days`."""

    realm = forms.ModelChoiceField(
        Realm.objects.order_by("slug"), to_field_name="slug", required=False, empty_label=ALL
    )
    days = forms.TypedChoiceField(
        choices=list(SPANS.items()),
        coerce=int,
        required=False,
        empty_value=DEFAULT_DAYS,  # type: ignore[arg-type]  # what `coerce` gives
        widget=forms.HiddenInput,
    )
    first = _day_field("From")
    last = _day_field("To")

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        first, last = cleaned.get("first"), cleaned.get("last")
        if first and last and not 0 <= (last - first).days < MAX_DAYS:
            self.add_error("last", f"Up to {MAX_DAYS} days, in their order.")
        return cleaned

    def chosen(self) -> tuple[Realm | None, date, date]:
        """Return the realm (None: all) and the first and last day, of a valid form."""
        realm: Realm | None = self.cleaned_data["realm"]
        today = clock.now().astimezone(ZoneInfo(realm.time_zone if realm else "UTC")).date()
        n_days = timedelta(days=self.cleaned_data["days"] - 1)
        first, last = self.cleaned_data["first"], self.cleaned_data["last"]
        if first:
            return realm, first, last or min(today, first + timedelta(days=MAX_DAYS - 1))
        return realm, (last or today) - n_days, last or today

    @property
    def current_days(self) -> int | None:
        """Name the span that is shown; None: from one day to another."""
        if self.data.get("first") or self.data.get("last"):
            return None
        given = self.data.get("days", "")
        return int(given) if given.isdecimal() and int(given) in SPANS else DEFAULT_DAYS


def rows_of(realm: Realm | None, first: date, last: date) -> dict[date, KpiMetrics]:
    rows = KpiMetrics.objects.filter(realm=realm, day__range=(first, last)).order_by("day")
    return {row.day: row for row in rows}


@admin.register(KpiMetrics)
class KpiMetricsAdmin(ReadOnlyAdmin[KpiMetrics]):
    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.export_view)
        return [path("export/", view, name="kpi_kpimetrics_export"), *super().get_urls()]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        form = SpanOfDaysForm(request.GET)
        context = {
            **self.admin_site.each_context(request),
            "title": "KPIs",
            "opts": self.opts,
            "form": form,
            "spans": SPANS,
            **(self._shown(*form.chosen()) if form.is_valid() else {}),
        }
        return TemplateResponse(request, "admin/kpi/daily.html", context)

    def _shown(self, realm: Realm | None, first: date, last: date) -> dict[str, object]:
        rows, days = rows_of(realm, first, last), list(rollup.days_between(first, last))
        return {
            "realm": realm,
            "first": first,
            "last": last,
            "n_days": len(days),
            "rows": list(reversed(rows.values())),
            "n_missing": len(days) - len(rows),
            "charts": list(panels.charts(days, rows)) if rows else [],
        }

    def export_view(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        form = SpanOfDaysForm(request.GET)
        if not form.is_valid():
            return self.changelist_view(request)
        realm, first, last = form.chosen()
        audit.record(
            event="kpis.exported",
            message=f"KPIs of {realm or ALL} exported, {first} to {last}",
            realm_id=realm.pk if realm else None,
            module=__name__,
        )
        name = f"kpis-{realm.slug if realm else 'all'}-{first}-{last}.csv"
        return StreamingHttpResponse(
            _lines(rows_of(realm, first, last)),
            content_type=CONTENT_TYPES["csv"],
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )


def _lines(rows: dict[date, KpiMetrics]) -> Iterator[str]:
    names = [each.name for each in KpiMetrics._meta.fields if each.name not in ("id", "realm")]  # noqa: SLF001  # Django's documented way
    yield csv_line(names)
    for row in rows.values():
        yield csv_line([getattr(row, name) for name in names])
