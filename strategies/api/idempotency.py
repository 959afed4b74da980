"""The header `Idempotency-Key`."""

import re
from collections.abc import Mapping
from typing import Any, Final

from drf_spectacular.utils import OpenApiParameter

from gameproject.lib.errors import BadRequest

IDEMPOTENCY_KEY: Final = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,198}[\x21-\x7e])?")


def key_parameter(what: str) -> OpenApiParameter:
    """Describe the header for what is stored under it."""
    return OpenApiParameter(
        "Idempotency-Key",
        {"type": "string", "pattern": f"^{IDEMPOTENCY_KEY.pattern}$"},
        OpenApiParameter.HEADER,
        description=f"1 to 200 printable ASCII characters. The same key with the same {what} gets the stored one (200, "
        f"`replayed: true`); with another {what}, 409.",
    )


def idempotency_key(meta: Mapping[str, Any]) -> str | None:
    """Read the header. Raises BadRequest."""
    key: str | None = meta.get("HTTP_IDEMPOTENCY_KEY")
    if key is not None and not IDEMPOTENCY_KEY.fullmatch(key):
        raise BadRequest(
            "Idempotency-Key must be 1 to 200 printable ASCII characters.", code="IDEMPOTENCY_KEY_INVALID"
        )
    return key
