"""Typed readers of environment variables. A value that cannot be read stops the start and names itself."""

import os
from pathlib import Path
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from django.core.exceptions import ImproperlyConfigured

TRUE = {"1", "true", "yes", "on"}
FALSE = {"0", "false", "no", "off", ""}


def text(name: str, default: str = "") -> str:
    return os.environ.get(name, default)


def integer(name: str, default: int) -> int:
    value = os.environ.get(name)
    try:
        return default if value is None else int(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={value!r}: a whole number was expected.") from None


def number(name: str, default: float) -> float:
    value = os.environ.get(name)
    try:
        return default if value is None else float(value)
    except ValueError:
        raise ImproperlyConfigured(f"{name}={value!r}: a number was expected.") from None


def boolean(name: str, *, default: bool) -> bool:
    value = os.environ.get(name)
    if value is None:
        return default
    if value.lower() not in TRUE | FALSE:
        raise ImproperlyConfigured(f"{name}={value!r}: true or false was expected.")
    return value.lower() in TRUE


def words(name: str, default: str = "") -> list[str]:
    """Read a list separated by commas; blanks around its items and empty items do not count."""
    return [item for item in (part.strip() for part in text(name, default).split(",")) if item]


def secret(name: str) -> str:
    """Read a secret: from the file that `<name>_FILE` names, without the blanks around it, else from the variable."""
    path = text(f"{name}_FILE")
    if not path:
        return text(name)
    try:
        return Path(path).read_text().strip()
    except OSError as error:
        raise ImproperlyConfigured(f"{name}_FILE={path!r}: {error.strerror}.") from None


def require(*names: str) -> None:
    """Stop the start of a process that serves, where a variable that it cannot do without is missing."""
    missing = [name for name in names if not (text(name) or text(f"{name}_FILE"))]
    if missing:
        raise ImproperlyConfigured(
            f"Set {', '.join(missing)} in the environment: .env.example says what each is. "
            "(`make run` sets all of them by itself.)"
        )


def statement_timeouts(seconds: float) -> dict[str, str]:
    """Return libpq's option that bounds statements, waits for locks and transactions at rest; 0 bounds none."""
    if not seconds:
        return {}
    names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    return {"options": " ".join(f"-c {name}={int(seconds * 1000)}" for name in names)}


def url(name: str, *, password: str) -> str:
    """Read a URL; `password` goes into it where it has none."""
    parts = urlsplit(text(name))
    if not parts.netloc or not password or parts.password:
        return text(name)
    user, _, place = parts.netloc.rpartition("@")
    return parts._replace(netloc=f"{user}:{quote(password, safe='')}@{place}").geturl()


def database(name: str, *, password: str, **defaults: object) -> dict[str, object]:
    """Read a PostgreSQL URL into Django's settings; an absent one gives settings that fail on first use.

    `postgresql://user:password@host:port/name?host=/socket/folder&sslmode=require`: query parameters go
    to libpq as they are, except `host` and `port`, which replace those before the path. `password` counts
    where the URL has none. `defaults` go to libpq where the URL does not say otherwise.
    """
    if not text(name):
        return {"ENGINE": "django.db.backends.dummy"}
    parts = urlsplit(text(name))
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ImproperlyConfigured(f"{name}: a postgresql:// URL was expected, not {parts.scheme!r}.")
    options = dict(parse_qsl(parts.query))
    return {
        "ENGINE": "gameproject.lib.postgresql",
        "NAME": unquote(parts.path.lstrip("/")),
        "USER": unquote(parts.username or ""),
        "PASSWORD": unquote(parts.password or "") or password,
        "HOST": options.pop("host", unquote(parts.hostname or "")),
        "PORT": options.pop("port", str(parts.port or "")),
        "OPTIONS": {**defaults, **options},
    }
