"""Request bodies: bytes to typed values, refused before they are read or parsed where they must be.

A body is decoded straight into a msgspec struct (a tenth of a serializer's cost). Only when that fails is
it taken apart field by field, so that the caller hears of every problem at once.
"""

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

import msgspec
from django.conf import settings
from django.http import HttpRequest

from gameproject.lib.errors import BadRequest, JsonDict, TooLarge, UnsupportedMediaType

T = TypeVar("T", bound="Body")

MAX_JSON_DEPTH = 64

# Kept in URLs and shown to people: no slash, no control characters (and so no line end, which `$` would allow).
ExternalId = Annotated[
    str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^/\x00-\x1f\x7f-\x9f]+(?!\n)$")
]
# Free text for people: PostgreSQL holds any character but NUL.
Line = Annotated[str, msgspec.Meta(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f\x7f]+(?!\n)$")]
Text = Annotated[str, msgspec.Meta(max_length=10_000, pattern=r"^[^\x00]*$")]


class Body(msgspec.Struct, rename="camel", forbid_unknown_fields=True, kw_only=True):
    """The base of every request body: camelCase on the wire, unknown keys refused."""


def read_body(request: HttpRequest, body_type: type[T], *, max_bytes: int | None = None) -> T:
    """Decode a JSON body into `body_type`.

    Raises UnsupportedMediaType (415), TooLarge (413, by Content-Length, before reading) and BadRequest
    (400) with one problem for each fault: `{code, message, pointer}`, pointers as in RFC 6901.
    """
    require_json(request.META, max_bytes=settings.API_MAX_BODY_BYTES if max_bytes is None else max_bytes)
    return decode(request.body, body_type)


def require_json(meta: Mapping[str, Any], *, max_bytes: int) -> None:
    """Refuse by a request's headers what is not to be read; see `read_body` for what it raises."""
    content_type = meta.get("CONTENT_TYPE", "")
    if content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType("Send JSON: the header Content-Type must be application/json.")
    if content_length(meta) > max_bytes:
        raise TooLarge(f"The body is over the limit of {max_bytes} bytes.", params={"limitBytes": max_bytes})


def content_length(meta: Mapping[str, Any]) -> int:
    """Return what the header says, 0 where there is none. Raises BadRequest for one that is no number."""
    given = meta.get("CONTENT_LENGTH") or "0"
    if not (given.isascii() and given.isdecimal() and len(given) < 19):
        raise BadRequest("The header Content-Length must be a whole number.", code="NOT_JSON")
    return int(given)


def decode(raw: bytes, body_type: type[T]) -> T:
    """Decode bytes; see `read_body` for what it raises."""
    try:
        parsed: T = _parsed(raw, body_type)
    except msgspec.ValidationError:
        raise BadRequest(
            "The body has problems; each is listed.", code="BODY_INVALID", problems=_problems(raw, body_type)
        ) from None
    return parsed


def _parsed(raw: bytes, as_type: Any) -> Any:
    """Parse JSON. Raises ValidationError for another type, and BadRequest for what is no JSON.

    A type that is wrong is met before what follows it: the rest need not even be JSON.
    """
    try:
        return msgspec.json.decode(raw, type=as_type)
    except msgspec.ValidationError:
        raise
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadRequest(f"The body is not JSON: {error}.", code="NOT_JSON") from None
    except RecursionError:
        raise BadRequest("The body is nested too deeply.", code="NOT_JSON") from None


def _problems(raw: bytes, body_type: type[Body]) -> list[JsonDict]:
    try:
        values = _parsed(raw, Any)
    except msgspec.ValidationError as error:  # a number out of range, somewhere
        return [_problem("VALUE_INVALID", str(error), "")]
    if not isinstance(values, dict):
        return [_problem("VALUE_INVALID", "An object was expected.", "")]
    fields = {field.encode_name: field for field in msgspec.structs.fields(body_type)}
    problems = [
        _problem("KEY_UNKNOWN", f"There is no key {name!r} here.", _pointer(name))
        for name in values
        if name not in fields
    ]
    for name, field in fields.items():
        if name not in values:
            if field.required:
                problems.append(_problem("KEY_MISSING", f"The key {name!r} is required.", _pointer(name)))
            continue
        try:
            msgspec.convert(values[name], field.type)
        except msgspec.ValidationError as error:
            message, _, inner = str(error).partition(" - at `$")
            problems.append(_problem("VALUE_INVALID", message, _pointer(name) + _inner_pointer(inner)))
    return problems


def _problem(code: str, message: str, pointer: str) -> JsonDict:
    return {"code": code, "message": message, "pointer": pointer}


def _pointer(name: str) -> str:
    return "/" + name.replace("~", "~0").replace("/", "~1")


def _inner_pointer(path: str) -> str:
    """Turn msgspec's `[0].key` into `/0/key`."""
    path = path.rstrip("`")
    return path.replace("[", "/").replace("]", "").replace(".", "/")
