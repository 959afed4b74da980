"""Lists of tables that grow for ever: newest first, a span of time, pages by id, and a bound on what is looked at.

No OFFSET and no full count: both read all that came before. A filter that no index serves looks at so many of the
newest rows of its span, says so, and offers to look further back from there.
"""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Generic, TypeVar
from uuid import UUID

from django import forms
from django.contrib.admin.views.main import ChangeList
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest

from gameproject.lib.admin.rows import MAX_COUNTED, ReadOnlyAdmin
from gameproject.lib.admin.spans import SpanForm
from gameproject.lib.postgresql.timeouts import StatementTimeout, statement_timeout
from gameproject.lib.windows import MAX_LOOKED_AT_APART, nth_id, rows_between

M = TypeVar("M", bound=Model)
ROWS_A_PAGE: Final = 50
MAX_LOOKED_AT: Final = 50_000
STATEMENT_TIMEOUT_SECONDS: Final = 3.0


class KeysetFilters(SpanForm):
    """What a list may be cut by, beside the span of time: fields, and how they cut."""

    def by_index(self, rows: QuerySet[M]) -> QuerySet[M]:
        """Cut by what an index finds."""
        return rows

    def by_looking(self, rows: QuerySet[M]) -> QuerySet[M]:
        """Cut by what only the rows themselves say."""
        return rows

    def n_active(self) -> int:
        return sum(bool(value) for name, value in self.data.items() if name in self.fields and name != "span")


class CursorForm(forms.Form):
    before = forms.UUIDField(required=False)
    after = forms.UUIDField(required=False)


@dataclass(frozen=True, slots=True)
class Slice(Generic[M]):
    """A page of rows; the ids that its neighbours begin beyond; and how far was looked, if not to the end."""

    rows: list[M] = field(default_factory=list)
    older: UUID | None = None
    newer: UUID | None = None
    looked_to: UUID | None = None
    n_looked_at: int = 0
    count: str = ""


class KeysetChangeList(ChangeList):
    """Django's list with another way to find its rows; `filters` is the form above it."""

    model_admin: "KeysetAdmin[Any]"

    def get_queryset(
        self, request: HttpRequest, exclude_parameters: list[str | None] | None = None
    ) -> QuerySet[Any]:
        self.filter_specs = []
        self.has_filters = self.has_active_filters = False
        self.filters = self.model_admin.filters(request.GET)
        self.cursor = CursorForm(request.GET)
        return self.root_queryset

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.title = str(self.opts.verbose_name_plural).capitalize()

    def get_results(self, request: HttpRequest) -> None:
        self.is_too_wide = False
        self.slice: Slice[Any] = Slice()
        try:
            with statement_timeout(STATEMENT_TIMEOUT_SECONDS):
                self.slice = self._slice()
        except StatementTimeout:
            self.is_too_wide = True
        self.result_list = self.slice.rows
        self.result_count = self.full_result_count = len(self.slice.rows)
        self.show_full_result_count = self.show_admin_actions = False
        self.can_show_all = self.multi_page = False
        self.paginator = Paginator(self.slice.rows, ROWS_A_PAGE)

    def _slice(self) -> Slice[Any]:
        if self.query.strip():
            return self._page(self.model_admin.find(self.root_queryset, self.query.strip()))
        if not (self.filters.is_valid() and self.cursor.is_valid()):
            return Slice()
        of_span = rows_between(self.root_queryset, *self.filters.bounds())
        rows = self.filters.by_index(of_span)
        return self._page(rows, self.filters, MAX_LOOKED_AT if rows is of_span else MAX_LOOKED_AT_APART)

    def _page(
        self, rows: QuerySet[Any], filters: KeysetFilters | None = None, n_looked_at: int = 0
    ) -> Slice[Any]:
        before, after = self._neighbours()
        beyond = rows.order_by("pk" if after else "-pk")
        if before or after:
            beyond = beyond.filter(pk__gt=after) if after else beyond.filter(pk__lt=before)
        narrowed, edge = _narrowed(beyond, filters, n_looked_at, is_upward=bool(after))
        ids = list(narrowed.values_list("pk", flat=True)[: ROWS_A_PAGE + 1])
        has_more, ids = len(ids) > ROWS_A_PAGE, ids[:ROWS_A_PAGE]
        onward = ids[-1] if has_more else edge
        back = (ids[0] if ids else before or after) if before or after else None
        return Slice(
            rows=self._rows(ids),
            older=back if after else onward,
            newer=onward if after else back,
            looked_to=None if has_more else edge,
            n_looked_at=n_looked_at,
            count="" if before or after else _count(narrowed, len(ids), is_all=not has_more),
        )

    def _neighbours(self) -> tuple[UUID | None, UUID | None]:
        if not self.cursor.is_valid():
            return None, None
        return self.cursor.cleaned_data["before"], self.cursor.cleaned_data["after"]

    def _rows(self, ids: list[UUID]) -> list[Any]:
        """Read the page's rows by their ids: joins then cannot lead PostgreSQL to another plan."""
        found = self.model._default_manager.filter(pk__in=ids)  # noqa: SLF001  # Django's documented way
        return list(self.model_admin.with_columns(found).order_by("-pk"))


def _narrowed(
    beyond: QuerySet[M], filters: KeysetFilters | None, n_looked_at: int, *, is_upward: bool
) -> tuple[QuerySet[M], UUID | None]:
    """Cut by looking, at a bounded number of rows; return the id at that bound, or None where it is not reached."""
    narrowed = beyond if filters is None else filters.by_looking(beyond)
    if narrowed is beyond:
        return beyond, None
    edge = nth_id(beyond, n_looked_at)
    if edge is not None:
        narrowed = narrowed.filter(**{"pk__lte" if is_upward else "pk__gte": edge})
    return narrowed, edge


def _count(rows: QuerySet[M], n_found: int, *, is_all: bool) -> str:
    """Count in the page's own order: left to choose, PostgreSQL may read the whole table from its oldest rows on."""
    if is_all:
        return f"{n_found:,}"
    n_rows = rows[: MAX_COUNTED + 1].count()
    return f"{MAX_COUNTED:,}+" if n_rows > MAX_COUNTED else f"{n_rows:,}"


class KeysetAdmin(ReadOnlyAdmin[M]):
    """A read-only list by keyset. Subclasses name their filters, their exact search and their columns' joins."""

    change_list_template = "admin/keyset_change_list.html"
    filters: ClassVar[type[KeysetFilters]] = KeysetFilters
    sortable_by = ()
    actions = None

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return KeysetChangeList

    def find(self, rows: QuerySet[M], term: str) -> QuerySet[M]:
        """Return the rows that a word in the search box names exactly, of all times."""
        return rows.none()

    def with_columns(self, rows: QuerySet[M]) -> QuerySet[M]:
        """Read with a page's rows what its columns show."""
        return rows
