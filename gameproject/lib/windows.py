"""Rows of a span of time, cut by their time-ordered ids."""

import uuid
from datetime import datetime, timedelta
from typing import Final, TypeVar

from django.db.models import Model, QuerySet

from gameproject.lib.ids import lowest_uuid7

M = TypeVar("M", bound=Model)
# Ids are made before the time that a row bears, by another clock: no two are ever this far apart.
CLOCKS_DIFFER_BY: Final = timedelta(hours=1)
# How many rows a list looks at in one go, where an index finds them: they lie apart on disk.
MAX_LOOKED_AT_APART: Final = 25_000


def rows_between(rows: QuerySet[M], since: datetime | None, until: datetime | None) -> QuerySet[M]:
    """Cut by `created_at`; by the time in the ids as well, so that an index says where to begin and to end."""
    if since is not None:
        rows = rows.filter(created_at__gte=since, pk__gte=_id_at(since, -CLOCKS_DIFFER_BY))
    if until is not None:
        rows = rows.filter(created_at__lt=until, pk__lte=_id_at(until, CLOCKS_DIFFER_BY))
    return rows


def nth_id(rows: QuerySet[M], n: int) -> uuid.UUID | None:
    """Return the id of the nth of rows that are in order; None where there are fewer."""
    return next(iter(rows.values_list("pk", flat=True)[n - 1 : n]), None)


def _id_at(at: datetime, shift: timedelta) -> uuid.UUID:
    try:
        return lowest_uuid7(at + shift)
    except OverflowError:  # of the first hour or the last there is: no row is beyond
        return lowest_uuid7(at)
