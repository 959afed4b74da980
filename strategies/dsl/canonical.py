"""Canonical JSON, so that the same program has the same bytes and the same digest everywhere."""

from __future__ import annotations

import hashlib
import json


def canonical_json(value: object) -> bytes:
    """Return `value` as JSON with sorted keys, no spaces, in UTF-8.

    Raises ValueError or TypeError for what JSON cannot hold: NaN, infinities, lone surrogates, integers of more
    digits than Python prints, other types; RecursionError for a nesting beyond Python's own.
    """
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, separators=(",", ":"))
    return text.encode()


def digest(value: object) -> str:
    """Return the SHA-256 of the canonical JSON in hexadecimal; raises as `canonical_json` does."""
    return hashlib.sha256(canonical_json(value)).hexdigest()
