"""Admin parts that several apps use."""

from gameproject.lib.admin.display import badge, moment, number, one_line, points
from gameproject.lib.admin.keyset import KeysetAdmin, KeysetFilters
from gameproject.lib.admin.rows import BoundedPaginator, ReadOnlyAdmin

__all__ = [
    "BoundedPaginator",
    "KeysetAdmin",
    "KeysetFilters",
    "ReadOnlyAdmin",
    "badge",
    "moment",
    "number",
    "one_line",
    "points",
]
