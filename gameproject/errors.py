"""The last resort: what no view answered, in the API's shape on API paths and as a page elsewhere."""

from django.http import HttpRequest, HttpResponse
from django.views import defaults

from gameproject.lib.api import UnexpectedError, error_response
from gameproject.lib.errors import NotFound

API_PREFIX = "/api/"


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    if not request.path_info.startswith(API_PREFIX):
        return defaults.page_not_found(request, exception)
    return error_response(NotFound("There is nothing at this path. See /api/docs."), request)


def server_error(request: HttpRequest) -> HttpResponse:
    if not request.path_info.startswith(API_PREFIX):
        return defaults.server_error(request)
    return error_response(
        UnexpectedError("Something failed here that should not have. Quote the request id to the operator."),
        request,
    )
