"""API keys: made, written down hashed, read back from a request, revoked."""

import hashlib
import hmac
import re
import secrets
import uuid
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction

from gameproject.lib import clock
from gameproject.lib.errors import JsonDict, NotFound, Unauthenticated
from strategies import metrics, throttling
from strategies.changes import announce_about, differing
from strategies.models import ApiKey, Realm

PREFIX_BYTES = 6
SECRET_BYTES = 32
# PREFIX.SECRET: the prefix finds the row and may be logged, the secret may not.
PREFIX = re.compile(r"[0-9a-f]{12}")
FORM = re.compile(r"[0-9a-f]{12}\.[A-Za-z0-9_-]{43}")


@transaction.atomic
def create_api_key(
    *,
    realm: Realm,
    name: str,
    scopes: Sequence[str],
    expires_at: datetime | None = None,
    key_rate: int | None = None,
    key_burst: int | None = None,
    player_rate: int | None = None,
    player_burst: int | None = None,
) -> tuple[ApiKey, str]:
    """Create a key; return its row and the only copy of `PREFIX.SECRET` that will ever be.

    Rates are a second's, 0 for no limit; None, as for bursts, means the default (strategies/throttling.py).
    """
    prefix = secrets.token_hex(PREFIX_BYTES)
    secret = secrets.token_urlsafe(SECRET_BYTES)
    row = ApiKey.objects.create(
        realm=realm,
        name=name,
        prefix=prefix,
        secret_hash=hash_secret(secret),
        scopes=list(scopes),
        expires_at=expires_at,
        key_rate=key_rate,
        key_burst=key_burst,
        player_rate=player_rate,
        player_burst=player_burst,
    )
    announce_about("key.created", f"Made the key {prefix}.", row, after=_shown(row), module=__name__)
    return row, f"{prefix}.{secret}"


@transaction.atomic
def change_api_key(row: ApiKey) -> None:
    """Store a key whose name, expiry or limits were changed."""
    before = _shown(ApiKey.objects.select_for_update(no_key=True).get(pk=row.pk))
    row.save()
    before, after = differing(before, _shown(row))
    if after:
        announce_about("key.changed", f"Changed the key {row.prefix}.", row, before, after, module=__name__)


@transaction.atomic
def revoke_api_key(*, realm_id: uuid.UUID, prefix: str) -> ApiKey:
    """Revoke a key from now on; one that is revoked already stays so since then. Raises NotFound.

    The scoring request that begins next hears of it by the realm's `config_epoch`.
    """
    known = PREFIX.fullmatch(prefix)
    own = ApiKey.objects.select_for_update(no_key=True).filter(realm_id=realm_id, prefix=prefix)
    row = own.first() if known else None
    if row is None:
        raise NotFound("There is no such key.", code="KEY_NOT_FOUND", params={"prefix": prefix[:200]})
    if row.revoked_at is None:
        row.revoked_at = clock.now()
        row.save(update_fields=["revoked_at"])
        after = {"revoked_at": row.revoked_at}
        announce_about(
            "key.revoked", f"Revoked the key {prefix}.", row, {"revoked_at": None}, after, module=__name__
        )
    return row


def limits_of(row: ApiKey) -> throttling.Limits:
    return throttling.limits_of_key(
        key_rate=row.key_rate,
        key_burst=row.key_burst,
        player_rate=row.player_rate,
        player_burst=row.player_burst,
    )


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
    """Count a refused key, and make the refusal."""
    metrics.refused("api_key")
    """One answer for malformed, unknown, expired and revoked keys: a guesser learns nothing."""
    return Unauthenticated(
        "Send a valid API key in the header X-API-Key. Keys are made with `manage.py create_api_key`."
    )


def _shown(row: ApiKey) -> JsonDict:
    shown = (
        *("name", "prefix", "scopes", "expires_at"),
        *("key_rate", "key_burst", "player_rate", "player_burst"),
    )
    return {name: getattr(row, name) for name in shown}
