"""The request id on every path; Django's own middlewares on every path but the API's.

Sessions, CSRF, users and messages serve people in the admin. The API knows keys, not sessions, so its
requests pass them by: a third of a millisecond, more than the rest of Django costs.
"""

import re
import time
from collections.abc import Callable, Mapping
from typing import Any

from corsheaders import middleware as cors
from django.conf import settings
from django.contrib.auth import middleware as auth
from django.contrib.messages import middleware as messages
from django.contrib.sessions import middleware as sessions
from django.db import DEFAULT_DB_ALIAS, connections
from django.http import HttpRequest, HttpResponse
from django.middleware import clickjacking, common, csrf
from django.utils.cache import patch_vary_headers
from django.utils.deprecation import MiddlewareMixin
from whitenoise import middleware as whitenoise

from gameproject.lib import request_context
from gameproject.lib.ids import uuid7
from gameproject.lib.postgresql.deadline import Watch, watchdog

GetResponse = Callable[[HttpRequest], HttpResponse]
REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
PATHS_WITHOUT_SESSION = ("/api/v1/", "/healthz", "/readyz", "/metrics")


class DeadlineMiddleware:
    """Bound what a request may wait for PostgreSQL, or requests to a silent one would take every thread.

    And begin with a connection that the server has not closed meanwhile.
    """

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with deadline_of_request():
            return self.get_response(request)


def deadline_of_request() -> Watch:
    """Return the body of a `with` that a request runs in."""
    database = connections[DEFAULT_DB_ALIAS]
    database.close_if_unusable_or_obsolete()
    return watchdog.watch(time.monotonic() + settings.REQUEST_DEADLINE_SECONDS, database)


class RequestIdMiddleware:
    """Take the caller's X-Request-ID if it is well formed, else make one; answer with it, and a length, also on a 500."""

    def __init__(self, get_response: GetResponse) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request.request_id = request_id_of(request.META)  # type: ignore[attr-defined]  # ours
        request_context.begin(request_id=request.request_id)  # type: ignore[attr-defined]  # ours
        response = self.get_response(request)
        response.headers["X-Request-ID"] = request.request_id  # type: ignore[attr-defined]  # ours
        if not response.streaming and "Content-Length" not in response.headers:
            # What CommonMiddleware, which API requests pass by, does for pages: a server would send it in chunks.
            response.headers["Content-Length"] = str(len(response.content))
        return response


def request_id_of(meta: Mapping[str, Any]) -> str:
    given: str = meta.get("HTTP_X_REQUEST_ID", "")
    return given if REQUEST_ID.fullmatch(given) else str(uuid7())


class CorsMiddleware(cors.CorsMiddleware):
    """CORS headers on every answer to another origin's page, errors too; preflights end here, before any key.

    Without them on a 500 a browser reports nothing but "Network Error". A caller that is no browser sends no
    Origin, and is not charged the 20 µs.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if "HTTP_ORIGIN" in request.META:
            return super().__call__(request)  # type: ignore[return-value]  # never async here
        response: HttpResponse = self.get_response(request)  # type: ignore[assignment]  # never async here
        if settings.CORS_ALLOWED_ORIGINS:
            patch_vary_headers(response, ("origin",))  # a cache must not give this answer to a browser
        return response


def _past_these(get_response: GetResponse) -> GetResponse:
    """Return what follows the last of the middlewares in a row that let API requests pass."""
    following = getattr(
        get_response, "__wrapped__", None
    )  # Django wraps each, to turn exceptions into answers
    past: GetResponse = getattr(following, "past_these", get_response)
    return past


class OutsideApi(MiddlewareMixin):
    """Let API requests pass: straight on, past all of these that stand in a row."""

    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(get_response)
        self.past_these = _past_these(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith(PATHS_WITHOUT_SESSION):
            return self.past_these(request)
        return super().__call__(request)  # type: ignore[return-value]  # never async here


class ContentSecurityPolicyMiddleware(OutsideApi):
    """Tell the browser to run nothing that did not come as a file of ours, should a page ever be injected into."""

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        is_debug_page = settings.DEBUG and response.status_code in (404, 500)  # inline scripts and styles
        if response.get("Content-Type", "").startswith("text/html") and not is_debug_page:
            response.headers["Content-Security-Policy"] = settings.CONTENT_SECURITY_POLICY
        return response


class WhiteNoiseMiddleware(whitenoise.WhiteNoiseMiddleware):  # type: ignore[misc]  # it has no types
    def __init__(self, get_response: GetResponse) -> None:
        super().__init__(get_response)
        self.past_these = _past_these(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponse:
        passes = request.path_info.startswith(PATHS_WITHOUT_SESSION)
        response: HttpResponse = self.past_these(request) if passes else super().__call__(request)
        return response


class SessionMiddleware(OutsideApi, sessions.SessionMiddleware):
    pass


class CommonMiddleware(OutsideApi, common.CommonMiddleware):
    pass


class CsrfViewMiddleware(OutsideApi, csrf.CsrfViewMiddleware):
    """Its check itself is `process_view`; REST framework's views are exempt from that."""


class AuthenticationMiddleware(OutsideApi, auth.AuthenticationMiddleware):
    pass


class MessageMiddleware(OutsideApi, messages.MessageMiddleware):
    pass


class XFrameOptionsMiddleware(OutsideApi, clickjacking.XFrameOptionsMiddleware):
    pass
