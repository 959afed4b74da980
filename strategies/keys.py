"""API keys: made, written down hashed, and read back from a request."""

import hashlib
import hmac
import re
import secrets
from collections.abc import Sequence
from datetime import datetime

from gameproject.lib.errors import Unauthenticated
from strategies.models import ApiKey, Realm

PREFIX_BYTES = 6
SECRET_BYTES = 32
# PREFIX.SECRET: the prefix finds the row and may be logged, the secret may not.
FORM = re.compile(r"[0-9a-f]{12}\.[A-Za-z0-9_-]{43}")


def create_api_key(
    *, realm: Realm, name: str, scopes: Sequence[str], expires_at: datetime | None = None
) -> tuple[ApiKey, str]:
    """Create a key; return its row and the only copy of `PREFIX.SECRET` that will ever be."""
    prefix = secrets.token_hex(PREFIX_BYTES)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    row = ApiKey.objects.create(
        realm=realm,
        name=name,
        prefix=prefix,
        secret_hash=hash_secret(secret),
        scopes=list(scopes),
        expires_at=expires_at,
    )
    return row, f"{prefix}.{secret}"


def hash_secret(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def split(key: str) -> tuple[str, str]:
    """Take `PREFIX.SECRET` apart. Raises Unauthenticated for anything else, without asking the database."""
    if not FORM.fullmatch(key):
        raise unknown_key()
    prefix, _, secret = key.partition(".")
    return prefix, secret


def secret_matches(secret: str, secret_hash: bytes) -> bool:
    return hmac.compare_digest(hash_secret(secret), secret_hash)


def unknown_key() -> Unauthenticated:
    """One answer for malformed, unknown, expired and revoked keys: a guesser learns nothing."""
    return Unauthenticated(
        "Send a valid API key in the header X-API-Key. Keys are made with `manage.py create_api_key`."
    )
