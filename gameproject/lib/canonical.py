"""JSON for storage and for digests: keys sorted, no spaces, UTF-8."""

import hashlib

import msgspec

_encoder = msgspec.json.Encoder(order="sorted")


def encode_json(value: object) -> str:
    """Write canonical JSON. The same value gives the same text in every process."""
    return _encoder.encode(value).decode()


def stored_json(value: object) -> str:
    """Write canonical JSON that PostgreSQL's jsonb gives back unchanged: it knows no negative zero."""
    text = encode_json(value)
    return encode_json(_without_negative_zero(value)) if "-0.0" in text else text


def _without_negative_zero(value: object) -> object:
    match value:
        case float():
            return value + 0.0
        case dict():
            return {key: _without_negative_zero(item) for key, item in value.items()}
        case list() | tuple():
            return [_without_negative_zero(item) for item in value]
        case _:
            return value


def digest(*texts: str) -> bytes:
    """Hash several texts as one, so that no two lists of texts look alike (SHA-256, 32 bytes)."""
    sha256 = hashlib.sha256()
    for text in texts:
        raw = text.encode()
        sha256.update(len(raw).to_bytes(8))
        sha256.update(raw)
    return sha256.digest()
