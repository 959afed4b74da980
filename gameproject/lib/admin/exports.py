"""A list as a file: CSV or JSON Lines of what its filters leave, streamed by pages of ids, and with an end."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Final, Literal, TypeVar
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseBase, HttpResponseNotAllowed, StreamingHttpResponse
from django.urls import URLPattern, path

from gameproject.lib import canonical, clock
from gameproject.lib.admin.keyset import KeysetAdmin
from gameproject.lib.postgresql.timeouts import StatementTimeout, statement_timeout
from gameproject.lib.windows import rows_between

M = TypeVar("M", bound=Model)
Format = Literal["csv", "jsonl"]
CONTENT_TYPES: Final[Mapping[str, str]] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/jsonl; charset=utf-8",
}
MAX_ROWS: Final = 100_000
ROWS_AT_ONCE: Final = 500
SECONDS_FOR_SOME: Final = 30.0
# A spreadsheet would take what begins so for a formula, and run it.
BEGINS_A_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class ExportingAdmin(KeysetAdmin[M]):
    """A list that can be taken away. Subclasses name the columns, give a row's values, and write down who did it."""

    change_list_template = "admin/exporting_change_list.html"
    export_columns: ClassVar[Sequence[str]] = ()

    def export_values(self, row: M) -> Mapping[str, object]:
        """Return a row's values by column; JSON Lines may hold more than the columns of the CSV."""
        raise NotImplementedError

    def record_export(self, request: HttpRequest, what: Mapping[str, object]) -> None:
        """Write down that somebody takes rows away, before the first one leaves."""
        raise NotImplementedError

    def rows_to_export(self, rows: QuerySet[M]) -> QuerySet[M]:
        """Read with the rows what their values rest on."""
        return rows

    def get_urls(self) -> list[URLPattern]:
        name = f"{self.opts.app_label}_{self.opts.model_name}_export"
        return [path("export/", self.admin_site.admin_view(self.export_view), name=name), *super().get_urls()]

    def export_view(self, request: HttpRequest) -> HttpResponseBase:
        if not self.has_view_permission(request):
            raise PermissionDenied
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        chosen: Format = "csv" if request.POST.get("format") == "csv" else "jsonl"
        rows = self.rows_to_export(self.rows_asked_for(request))
        self.record_export(request, {"format": chosen, "filters": request.GET.dict()})
        name = f"{self.opts.verbose_name_plural}-{clock.now():%Y%m%dT%H%M%SZ}.{chosen}".replace(" ", "-")
        return StreamingHttpResponse(
            self._lines(rows, chosen),
            content_type=CONTENT_TYPES[chosen],
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def rows_asked_for(self, request: HttpRequest) -> QuerySet[M]:
        """Return the rows that the list with this query shows on all its pages."""
        rows, term = self.get_queryset(request), request.GET.get("q", "").strip()
        if term:
            return self.find(rows, term)
        filters = self.filters(request.GET)
        if not filters.is_valid():
            return rows.none()
        return filters.by_looking(filters.by_index(rows_between(rows, *filters.bounds())))

    def _lines(self, rows: QuerySet[M], chosen: Format) -> Iterator[str]:
        if chosen == "csv":
            yield csv_line(self.export_columns)
        for found in read_down(rows):
            if isinstance(found, str):
                yield csv_line([found]) if chosen == "csv" else _json_line({"end": found})
                return
            values = self.export_values(found)
            if chosen == "csv":
                yield csv_line([values.get(column) for column in self.export_columns])
            else:
                yield _json_line(values)


def read_down(rows: QuerySet[M]) -> Iterator[M | str]:
    """Yield rows, newest first, some at a time; last, if that is not all, why not."""
    n_rows, last = 0, None
    while True:
        some = rows if last is None else rows.filter(pk__lt=last)
        try:
            with statement_timeout(SECONDS_FOR_SOME):
                found = list(some.order_by("-pk")[: min(ROWS_AT_ONCE, MAX_ROWS + 1 - n_rows)])
        except StatementTimeout:
            yield f"Stopped after {n_rows:,} rows: reading more took too long."
            return
        for row in found:
            if n_rows == MAX_ROWS:
                yield f"Cut after {MAX_ROWS:,} rows."
                return
            n_rows += 1
            yield row
        if len(found) < ROWS_AT_ONCE:
            return
        last = found[-1].pk


class _Echo:
    """A file whose lines come back from `write`."""

    def write(self, line: str) -> str:
        return line


def csv_line(values: Sequence[object]) -> str:
    line: str = csv.writer(_Echo()).writerow([cell(value) for value in values])
    return line


def cell(value: object) -> object:
    """Write a value as a cell that no spreadsheet runs."""
    match value:
        case None:
            return ""
        case bool() | int() | float() | Decimal():
            return value
        case dict() | list():
            return canonical.encode_json(value)
        case datetime():
            return clock.iso(value)
        case _:
            text = str(value)
            return f"'{text}" if text.startswith(BEGINS_A_FORMULA) else text


def _json_line(values: Mapping[str, object]) -> str:
    return canonical.encode_json({name: _json(value) for name, value in values.items()}) + "\n"


def _json(value: Any) -> object:
    match value:
        case Decimal():
            return int(value) if value == int(value) else float(value)
        case datetime():
            return clock.iso(value)
        case UUID():
            return str(value)
        case _:
            return value
