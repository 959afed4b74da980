"""Lists by filters that no index serves: a bounded look at the newest rows, and on from there.

Of what is asked for, the narrowest column that has an index finds rows; the others are held against so many of them at
a time. So a page takes a bounded time whatever is asked for, and who follows the cursors sees all there is.
"""

from collections.abc import Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

from django.db.models import Model, QuerySet
from rest_framework.request import Request

from gameproject.lib import clock
from gameproject.lib.api import before_cursor, cursor_of, page_limit
from gameproject.lib.ids import time_of
from gameproject.lib.windows import MAX_LOOKED_AT_APART, nth_id

M = TypeVar("M", bound=Model)


class Found(NamedTuple, Generic[M]):
    """A page of rows and the next one's cursor. `looked_back_to`: where the page ends only because of the bound."""

    rows: list[M]
    next_cursor: str | None
    looked_back_to: str | None


def look_for_page(
    request: Request, rows: QuerySet[M], wanted: Mapping[str, object], *, indexed: Sequence[str] = ()
) -> Found[M]:
    """Return the page that the request asks for, newest first: rows whose columns are as wanted.

    `indexed` names columns that have an index of theirs and the id, the narrowest first.
    """
    limit = page_limit(request)
    by_index = next((name for name in indexed if name in wanted), None)
    others = {name: value for name, value in wanted.items() if name != by_index}
    rows = before_cursor(request, rows if by_index is None else rows.filter(**{by_index: wanted[by_index]}))
    rows = rows.order_by("-pk")
    edge = nth_id(rows, MAX_LOOKED_AT_APART) if others else None
    looked_at = rows.filter(**others) if edge is None else rows.filter(**others, pk__gte=edge)
    found = list(looked_at[: limit + 1])
    if len(found) > limit:
        return Found(found[:limit], cursor_of(found[limit - 1].pk), None)
    if edge is None:
        return Found(found, None, None)
    return Found(found, cursor_of(edge), clock.iso(time_of(edge)))
