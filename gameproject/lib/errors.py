"""What can go wrong, for people and programs: one base class, a status and a code for each kind."""

from collections.abc import Mapping, Sequence
from typing import ClassVar, TypeVar

JsonDict = dict[str, object]
E = TypeVar("E", bound=Exception)


class DomainError(Exception):
    """An expected failure that the caller can act upon.

    `code` is stable and machine-readable, `message` says what to do, `params` names what it is about,
    `problems` lists every single fault where there can be several.
    """

    status: ClassVar[int] = 400
    default_code: ClassVar[str] = "BAD_REQUEST"

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        params: Mapping[str, object] | None = None,
        problems: Sequence[JsonDict] | None = None,
        retry_after_seconds: int | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code or self.default_code
        self.message = message
        self.params = dict(params or {})
        self.problems = None if problems is None else list(problems)
        self.retry_after_seconds = retry_after_seconds

    def as_json(self) -> JsonDict:
        body: JsonDict = {"code": self.code, "message": self.message, "params": self.params}
        if self.problems is not None:
            body["problems"] = self.problems
        return body


def without_traceback(error: E) -> E:
    """Take from an error what it holds in memory: to be stored, not raised.

    A traceback leads to the frames that the error went through, and these to all that called them. An error that is kept in
    one of their variables closes a circle, and the request's body stays until Python looks for circles.
    """
    error.__context__ = error.__cause__ = None
    return error.with_traceback(None)


class BadRequest(DomainError):
    """400: not JSON, wrong types, missing or unknown keys, bad values."""


class Unauthenticated(DomainError):
    """401: no key, or one that is unknown, expired or revoked."""

    status = 401
    default_code = "UNAUTHENTICATED"


class Forbidden(DomainError):
    """403: the key lacks the scope."""

    status = 403
    default_code = "SCOPE_MISSING"


class NotFound(DomainError):
    """404: not there, or another realm's."""

    status = 404
    default_code = "NOT_FOUND"


class Conflict(DomainError):
    """409: the state of things does not allow it."""

    status = 409
    default_code = "CONFLICT"


class TooLarge(DomainError):
    """413: the body or the event data is over its limit."""

    status = 413
    default_code = "BODY_TOO_LARGE"


class UnsupportedMediaType(DomainError):
    """415: the body is not application/json."""

    status = 415
    default_code = "UNSUPPORTED_MEDIA_TYPE"


class Unprocessable(DomainError):
    """422: a program that does not validate, or a run that failed."""

    status = 422
    default_code = "UNPROCESSABLE"


class Throttled(DomainError):
    """429: too many requests; `params` names the limit, `Retry-After` says when the next one will pass."""

    status = 429
    default_code = "THROTTLED"


class Unavailable(DomainError):
    """503: a dependency is away or a deadline has passed; safe to send again with the same key."""

    status = 503
    default_code = "UNAVAILABLE"

    def __init__(self, message: str, *, code: str | None = None, retry_after_seconds: int = 1) -> None:
        super().__init__(message, code=code, retry_after_seconds=retry_after_seconds)
