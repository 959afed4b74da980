"""Rows that are looked at, in tables that may be large."""

from typing import TypeVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model, QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

M = TypeVar("M", bound=Model)
MAX_COUNTED = 10_000


class BoundedPaginator(Paginator[M]):
    """Count to 10,000 and no further: `count(*)` of a large table takes longer than the page."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        return rows.order_by()[: MAX_COUNTED + 1].count() if isinstance(rows, QuerySet) else len(rows)


class ReadOnlyAdmin(admin.ModelAdmin[M]):
    """Look, but do not touch: rows that programs write and nobody edits."""

    show_full_result_count = False
    paginator = BoundedPaginator

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False
