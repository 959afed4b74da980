"""Who acts, and in which request: bound at the edges of a process, read by logs, Sentry and the audit trail.

The values lie in structlog's own context variables, so `structlog.contextvars.get_contextvars()` has them too. They are
set directly: `clear_contextvars` and `bind_contextvars` would cost a score 6 µs, this costs it 1.
"""

from types import EllipsisType
from typing import Final

from structlog.contextvars import bind_contextvars

UNBOUND: Final[EllipsisType] = ...  # as structlog says it
KEYS: Final = (
    *("request_id", "realm", "api_key", "oauth_user_id", "staff_user"),
    *("command", "task", "strategy", "version"),
)
_VARIABLES: Final = {key: bind_contextvars(**{key: UNBOUND})[key].var for key in KEYS}
_ALL: Final = tuple(_VARIABLES.values())


def begin(**known: str) -> None:
    """Forget what an earlier request of this thread has bound, and bind what is known of the new one."""
    for variable in _ALL:
        if variable.get() is not UNBOUND:
            variable.set(UNBOUND)
    bind(**known)


def bind(**known: str) -> None:
    """Add what has become known. Raises KeyError for what is not among KEYS."""
    for key, value in known.items():
        _VARIABLES[key].set(value)


def value_of(key: str) -> str:
    """Return one of the values, or nothing where it is not known."""
    value = _VARIABLES[key].get()
    return "" if value is UNBOUND else str(value)


def bound() -> dict[str, str]:
    """Return what is known by now."""
    return {key: value for key, variable in _VARIABLES.items() if (value := variable.get()) is not UNBOUND}
