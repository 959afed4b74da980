"""Settings that changed between two starts: an audit row with the difference, per role of a process."""

import hashlib
import logging
from typing import Final

import msgspec
from django.conf import settings
from django.db import DatabaseError, connection, transaction

from gameproject import settings as written
from gameproject.lib import canonical, redaction
from gameproject.lib.errors import JsonDict
from observability import audit
from observability.models import Logs
from strategies.changes import differing

logger = logging.getLogger(__name__)

EVENT: Final = "settings.changed"
LOCK: Final = "SELECT pg_advisory_xact_lock(hashtext('observability.settings_audit'))"
# Slow on purpose: the hash of a short secret must not give it away.
SCRYPT_COST: Final = 2**12


def record_at_start(role: str) -> None:
    """Record what differs from the last start in this role; where the database is away, start all the same."""
    try:
        record_changed_settings(role, fingerprint())
    except DatabaseError as error:
        logger.warning("whether settings have changed was not recorded: %s", error)
    finally:
        connection.close()


@transaction.atomic
def record_changed_settings(role: str, found: JsonDict) -> Logs | None:
    """Write a row if the fingerprint is not the last one's. Of processes that start at once, one writes."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK)
    subject = f"settings:{role}"
    last = Logs.objects.filter(subject=subject).order_by("-id").first()
    known = _fingerprint_of(last)
    if known == found:
        return None
    gone = dict.fromkeys(known.keys() - found.keys())
    before, after = differing(known, {**found, **gone})
    return audit.record(
        event=EVENT,
        message=f"{role} started with {len(after)} settings changed." if last else f"{role} started first.",
        realm_id=None,
        module=__name__,
        subject=subject,
        before=before if last else None,
        after=after if last else None,
        fingerprint=sorted(found.items()),  # pairs: as a value of their name, hashes would be blotted out
    )


def _fingerprint_of(row: Logs | None) -> JsonDict:
    pairs = row.details["fingerprint"] if row else []
    assert isinstance(pairs, list)  # noqa: S101  # as written above
    return dict(pairs)


def fingerprint() -> JsonDict:
    """Return all settings by name, as JSON: secrets by their hash only."""
    return {name: _shown(name, getattr(settings, name)) for name in dir(written) if name.isupper()}


def _shown(name: str, value: object) -> object:
    text = _text(value)
    if redaction.is_secret(name):
        return _hashed(text)
    plain = msgspec.json.decode(text)
    redacted = redaction.redact(plain)
    return plain if redacted == plain else {"shown": redacted, "hash": _hashed(text)}


def _text(value: object) -> str:
    try:
        return canonical.encode_json(value)
    except TypeError:
        return canonical.encode_json(repr(value))


def _hashed(text: str) -> str:
    return (
        "scrypt:" + hashlib.scrypt(text.encode(), salt=b"settings", n=SCRYPT_COST, r=8, p=1, dklen=12).hex()
    )
