"""The two parameters that every list takes."""

from typing import Final

from drf_spectacular.utils import OpenApiParameter

PAGE_PARAMETERS: Final = (
    OpenApiParameter(
        "limit", {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}, description="Rows a page."
    ),
    OpenApiParameter(
        "cursor",
        {"type": "string", "pattern": "^[A-Za-z0-9_-]{22}$"},
        description="`nextCursor` of the page before.",
    ),
)
