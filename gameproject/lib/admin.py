"""Admin parts that several apps use."""

from typing import TypeVar

from django.contrib import admin
from django.core.paginator import Paginator
from django.db.models import Model
from django.http import HttpRequest

M = TypeVar("M", bound=Model)
MAX_COUNTED = 10_000


class BoundedPaginator(Paginator[M]):
    """Count to 10,000 and no further: `count(*)` of a large table takes longer than the page."""

    @property
    def count(self) -> int:  # type: ignore[override]  # a property here, cached by the queryset
        return self.object_list.order_by()[: MAX_COUNTED + 1].count()  # type: ignore[union-attr]  # a queryset


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
