"""The API's edge: JSON answers, one shape for errors, lists by cursor."""

import base64
import logging
import re
import uuid
from collections.abc import Callable
from decimal import Decimal
from typing import Any, TypeVar

import msgspec
import psycopg
from django.db import InterfaceError, OperationalError
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from rest_framework import exceptions
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser, JSONParser
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from gameproject.lib.errors import BadRequest, DomainError, NotFound, Unavailable

logger = logging.getLogger(__name__)
M = TypeVar("M", bound=Model)

DEFAULT_LIMIT = 50
MAX_LIMIT = 500
CURSOR = re.compile(r"[A-Za-z0-9_-]{22}")  # the 16 bytes of a UUID


def json_number(value: Decimal) -> int | float:
    """Write a stored amount as a JSON number: 5, not 5.0 nor "5"."""
    whole = int(value)
    return whole if whole == value else float(value)


def whole_if_integral(value: float) -> int | float:
    """Write 5.0 as 5."""
    return int(value) if value == int(value) else value


class JsonParser(JSONParser):
    """Named for the API description; bodies are read by `gameproject.lib.body.read_body`."""


class JsonRenderer(JSONRenderer):
    """Write JSON by msgspec: UTF-8, times in UTC with `Z`, UUIDs as text."""

    charset = None

    def render(self, data: object, *_: object, **__: object) -> bytes:
        return b"" if data is None else msgspec.json.encode(data, enc_hook=_encode)


def _encode(value: object) -> object:
    if isinstance(value, Decimal):
        return json_number(value)
    raise TypeError(f"{type(value).__name__} has no JSON form here")


class AlwaysJson(BaseContentNegotiation):
    """There is one representation, so an Accept header cannot refuse it."""

    def select_parser(self, request: Request, parsers: list[BaseParser]) -> BaseParser:  # type: ignore[override]
        return parsers[0]

    def select_renderer(  # type: ignore[override]
        self, request: Request, renderers: list[BaseRenderer], format_suffix: str | None = None
    ) -> tuple[BaseRenderer, str]:
        return renderers[0], "application/json"


# ── Errors ───────────────────────────────────────────────────────────────────────────────────────
def error_response(error: DomainError, request: HttpRequest) -> HttpResponse:
    """Answer with the one shape of an error: `{"error": {...}, "requestId": ...}`."""
    body = {"error": error.as_json(), "requestId": getattr(request, "request_id", None)}
    response = HttpResponse(
        msgspec.json.encode(body, enc_hook=str), status=error.status, content_type="application/json"
    )
    if error.retry_after_seconds is not None:
        response.headers["Retry-After"] = str(error.retry_after_seconds)
    if error.status == 401:
        response.headers["WWW-Authenticate"] = "ApiKey"
    return response


class MethodNotAllowed(DomainError):
    status = 405
    default_code = "METHOD_NOT_ALLOWED"


class UnexpectedError(DomainError):
    status = 500
    default_code = "INTERNAL_ERROR"


def handle_exception(exc: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Turn what a view raised into an answer; None lets Django log it and answer 500."""
    request: HttpRequest = context["request"]._request  # noqa: SLF001  # the HttpRequest has the request id
    error = _as_domain_error(exc)
    if error is None:
        return None
    response = error_response(error, request)
    if isinstance(exc, exceptions.MethodNotAllowed):
        response.headers["Allow"] = ", ".join(context["view"].allowed_methods)
    return response


def _as_domain_error(exc: Exception) -> DomainError | None:
    match exc:
        case DomainError():
            return exc
        case Http404():
            return NotFound("There is nothing here by that name.")
        case exceptions.MethodNotAllowed():
            return MethodNotAllowed(str(exc.detail))
        case exceptions.APIException():
            return BadRequest(str(exc.detail))
        case OperationalError() | InterfaceError() | psycopg.OperationalError() | psycopg.InterfaceError():
            logger.warning("database unavailable: %s", exc)
            return Unavailable("The database is away. Send the request again.", code="DATABASE_UNAVAILABLE")
    return None


# ── Lists ────────────────────────────────────────────────────────────────────────────────────────
def page(request: Request, rows: QuerySet[M], render: Callable[[M], object]) -> Response:
    """Answer with a page of rows, newest first, by keyset on their time-ordered ids."""
    found, next_cursor = cut_page(request, rows)
    return Response({"items": [render(row) for row in found], "nextCursor": next_cursor})


def cut_page(request: Request, rows: QuerySet[M], *, key: str = "pk") -> tuple[list[M], str | None]:
    """Return the page that the request asks for, newest first by a column of UUIDs, and the next one's cursor."""
    limit = page_limit(request)
    found = list(before_cursor(request, rows, key=key).order_by(f"-{key}")[: limit + 1])
    is_last = len(found) <= limit
    return found[:limit], None if is_last else cursor_of(getattr(found[limit - 1], key))


def page_limit(request: Request) -> int:
    """Read `limit`. Raises BadRequest."""
    given = request.query_params.get("limit")
    if given is None:
        return DEFAULT_LIMIT
    if not (given.isascii() and given.isdecimal() and len(given) <= 3 and 1 <= int(given) <= MAX_LIMIT):
        raise BadRequest(f"limit must be a whole number from 1 to {MAX_LIMIT}.", code="QUERY_INVALID")
    return int(given)


def before_cursor(request: Request, rows: QuerySet[M], *, key: str = "pk") -> QuerySet[M]:
    """Leave out what the pages before had. Raises BadRequest."""
    cursor = request.query_params.get("cursor")
    return rows if cursor is None else rows.filter(**{f"{key}__lt": _decode_cursor(cursor)})


def cursor_of(pk: uuid.UUID) -> str:
    """Write the `nextCursor` of a page that ends with a row."""
    return base64.urlsafe_b64encode(pk.bytes).decode().rstrip("=")


def _decode_cursor(cursor: str) -> uuid.UUID:
    if not CURSOR.fullmatch(cursor):
        raise BadRequest("cursor must be the nextCursor of the page before.", code="QUERY_INVALID")
    return uuid.UUID(bytes=base64.urlsafe_b64decode(cursor + "=="))
