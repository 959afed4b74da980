"""What may not be written down: secrets, by the name they bear and by how they look.

Logs, errors and the audit trail all pass through here, so there is one table to mend.
"""

import functools
import re
from collections.abc import Mapping
from typing import Final

REDACTED: Final = "[redacted]"

# A name is taken apart into its words: `Authorization`, `db_password`, `newPasswordConfirm`, `X-Auth-Token`.
SECRET_WORDS: Final = frozenset(
    {
        *("authorization", "cookie", "cookies", "credential", "credentials", "dsn"),
        *("passwd", "password", "passwords", "secret", "secrets", "token", "tokens"),
    }
)
# A key is a secret where its name ends with it: not `key_rate`, nor `masked_data_keys`.
SECRET_LAST_WORDS: Final = frozenset({"key", "apikey"})
# `api_key` is the prefix that a key goes by; a whole one is known by its look.
SHOWN_NAMES: Final = frozenset({"api_key", "idempotency_key"})
WORDS: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")

SECRET_TEXTS: Final = (
    (re.compile(r"\b([0-9a-f]{12})\.[A-Za-z0-9_-]{43}\b"), rf"\1.{REDACTED}"),  # an API key: its prefix stays
    (re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/-]{8,}=*", re.IGNORECASE), rf"\1 {REDACTED}"),
    (re.compile(r"\b([a-z][a-z0-9+.-]{1,20}://[^:/@\s]{0,200}):[^@/\s]{1,200}@"), rf"\1:{REDACTED}@"),
)


def redact(value: object) -> object:
    """Return a value of JSON without its secrets, however deep they lie."""
    match value:
        case str():
            return redact_text(value)
        case Mapping():
            return {name: REDACTED if is_secret(str(name)) else redact(item) for name, item in value.items()}
        case list() | tuple():
            return [redact(item) for item in value]
        case _:
            return value


def redact_text(text: str) -> str:
    """Blot out what looks like an API key, a bearer token, or the password in a URL."""
    for pattern, instead in SECRET_TEXTS:
        text = pattern.sub(instead, text)
    return text


@functools.lru_cache(maxsize=1000)
def is_secret(name: str) -> bool:
    """Tell whether what goes by a name is not to be written down."""
    if name in SHOWN_NAMES:
        return False
    words = [word.lower() for word in WORDS.findall(name)]
    return bool(words) and (words[-1] in SECRET_LAST_WORDS or not SECRET_WORDS.isdisjoint(words))
