"""Links between the admin's pages, and to lists that are cut already."""

from uuid import UUID

from django.db.models import Model
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.safestring import SafeString

from gameproject.lib.admin import one_line


def page_of(row: Model) -> str:
    meta = row._meta  # noqa: SLF001  # Django's documented way
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_change", args=(row.pk,))


def link_to(row: Model | None) -> SafeString | str:
    """Show a row's name as a link to its page."""
    return one_line(None) if row is None else one_line(row, page_of(row))


def scores_url(**filters: str | UUID) -> str:
    """Return the list of scores, cut; without a span of time: of the last 24 hours."""
    query = urlencode({name: str(value) for name, value in filters.items()})
    return f"{reverse('admin:strategies_score_changelist')}?{query}"
