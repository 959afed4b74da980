"""What the trace browser's pages ask for: `{% load executions %}`."""

from collections.abc import Sequence

from django import template

from gameproject.lib.admin.keyset import KeysetChangeList
from observability import drops

register = template.Library()


@register.simple_tag
def lost_in_span(cl: KeysetChangeList) -> Sequence[tuple[str, int]]:
    """Return how many traces were lost in the list's span, by reason; of a search, in all times."""
    if cl.query or not cl.filters.is_valid():
        return []
    return drops.lost_between(*cl.filters.bounds())


@register.filter
def total(lost: Sequence[tuple[str, int]]) -> int:
    return sum(n for _reason, n in lost)


@register.filter
def in_words(reason: str) -> str:
    return reason.replace("_", " ")
