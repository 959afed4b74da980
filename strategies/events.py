"""An event as the API takes it, checked before anything is locked for it."""

import hashlib
import math
from collections.abc import Mapping
from datetime import MAXYEAR, MINYEAR, UTC, datetime, timedelta
from typing import Final

import msgspec

from gameproject.lib import canonical, clock
from gameproject.lib.errors import BadRequest, TooLarge

MAX_DATA_BYTES: Final = 16 * 1024
MAX_DATA_DEPTH: Final = 8
MAX_MAGNITUDE: Final = 1e15
OLDEST: Final = timedelta(days=30)
NEWEST: Final = timedelta(minutes=5)


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What happened: a player did a task. `game` and `task` are UUIDs or external ids."""

    game: str
    task: str
    external_user_id: str
    data: Mapping[str, object]
    occurred_at: datetime | None = None
    is_test: bool = False
    session_key: str | None = None
    idempotency_key: str | None = None

    def fingerprint(self) -> bytes:
        """Hash what the event says, so that its idempotency key cannot be used for another (SHA-256)."""
        return canonical.digest(
            canonical.encode_json(
                [
                    self.game,
                    self.task,
                    self.external_user_id,
                    self.data,
                    self.occurred_at,
                    self.is_test,
                    self.session_key,
                ]
            )
        )


def check(event: Event) -> None:
    """Refuse what no strategy may see. Raises BadRequest (400) and TooLarge (413, DATA_TOO_LARGE)."""
    if event.occurred_at is not None:
        _check_time(event.occurred_at)
    if event.data:
        check_data(event.data)


def _check_time(occurred_at: datetime) -> None:
    age = clock.now() - occurred_at
    if not -NEWEST <= age <= OLDEST:
        raise BadRequest(
            "occurredAt must lie between 30 days ago and 5 minutes ahead.",
            code="OCCURRED_AT_OUT_OF_RANGE",
            params={"occurredAt": occurred_at.isoformat()},
        )


def moment(at: datetime, *, pointer: str) -> datetime:
    """Return a time in UTC: PostgreSQL reads no offset over 16 hours. Raises BadRequest.

    The first and the last year are refused, for in some time zone they would be none.
    """
    try:
        at = at.astimezone(UTC)
    except OverflowError:
        at = at.replace(tzinfo=UTC)
    if not MINYEAR < at.year < MAXYEAR:
        raise _bad_value("The time lies too far away.", pointer)
    return at


def check_data(data: Mapping[str, object]) -> None:
    """Refuse event data over its limits. Raises BadRequest (400) and TooLarge (413, DATA_TOO_LARGE)."""
    _check_value(data, pointer="/data", depth=1)
    if len(canonical.encode_json(data).encode()) > MAX_DATA_BYTES:
        raise TooLarge(
            f"The event data is over the limit of {MAX_DATA_BYTES} bytes.",
            code="DATA_TOO_LARGE",
            params={"limitBytes": MAX_DATA_BYTES},
        )


def check_storable(value: object, *, pointer: str) -> None:
    """Refuse JSON that PostgreSQL cannot hold or that no program could read, in whatever it is sent with."""
    _check_value(value, pointer=pointer, depth=1)


def _check_value(value: object, *, pointer: str, depth: int) -> None:
    match value:
        case bool() | None:
            pass
        case int() | float():
            if not (math.isfinite(value) and abs(value) <= MAX_MAGNITUDE):
                raise _bad_value("The number's magnitude is over 1e15.", pointer, code="DSL_NUMBER_RANGE")
        case str():
            _check_text(value, pointer)
        case dict() | list():
            if depth > MAX_DATA_DEPTH:
                raise TooLarge(
                    f"The event data is nested deeper than {MAX_DATA_DEPTH}.",
                    code="DATA_TOO_LARGE",
                    params={"limitDepth": MAX_DATA_DEPTH},
                )
            items = value.items() if isinstance(value, dict) else enumerate(value)
            for key, item in items:
                if isinstance(key, str):
                    _check_text(key, pointer)
                _check_value(item, pointer=f"{pointer}/{key}", depth=depth + 1)


def _check_text(text: str, pointer: str) -> None:
    if "\0" in text:
        raise _bad_value("The text holds a NUL character, which cannot be stored.", pointer)


def _bad_value(message: str, pointer: str, *, code: str = "VALUE_INVALID") -> BadRequest:
    return BadRequest(
        message, code=code, problems=[{"code": code, "message": message, "pointer": pointer[:200]}]
    )


def masked(data: Mapping[str, object], keys: frozenset[str]) -> Mapping[str, object]:
    """Replace the values of masked keys by their hash, as they are stored. Nothing may read them."""
    if keys.isdisjoint(data):
        return data
    return {key: _hashed(value) if key in keys else value for key, value in data.items()}


def _hashed(value: object) -> str:
    return "sha256:" + hashlib.sha256(canonical.encode_json(value).encode()).hexdigest()
