"""The last resort: what no view answered, in the API's shape on API paths and as a page elsewhere."""

from django.http import HttpRequest, HttpResponse
from django.template.loader import render_to_string

from gameproject.lib.api import UnexpectedError, error_response
from gameproject.lib.errors import BadRequest, DomainError, Forbidden, NotFound

API_PREFIX = "/api/"


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001  # Django's signature
    return _answer(request, BadRequest("The request is not one that can be answered."))


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001  # Django's signature
    return _answer(request, Forbidden("You may not do this."))


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001  # Django's signature
    return _answer(request, NotFound("There is nothing at this path. See /api/docs."))


def server_error(request: HttpRequest) -> HttpResponse:
    unexpected = "Something failed here that should not have. Quote the request id to the operator."
    return _answer(request, UnexpectedError(unexpected))


def _answer(request: HttpRequest, error: DomainError) -> HttpResponse:
    if request.path_info.startswith(API_PREFIX):
        return error_response(error, request)
    # No context processors: they ask who is logged in, and the database may be what failed.
    page = render_to_string(f"{error.status}.html", {"request_id": getattr(request, "request_id", "")})
    return HttpResponse(page, status=error.status)
