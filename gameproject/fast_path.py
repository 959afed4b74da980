"""The fast path: an event that is scored without a hitch is answered past Django's request handling.

Middlewares, URLs, REST framework's view and Django's response cost a score more than all else that Python does for it
(docs/architecture.md, What a score costs). For a plain request this does what they would do, by the same functions, with
the same answer and the same traces. All else is Django's: a request that is anything but plain goes there unread, and
one that fails goes there with its error, which the view raises. So errors are answered, counted, logged and reported in
one place, and a middleware that this service does not know of sees whatever went wrong.
"""

import io
import re
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import msgspec
from django.conf import settings
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.http.request import UnreadablePostError
from django.middleware.security import SecurityMiddleware

from gameproject.lib import body, request_context
from gameproject.lib.handover import FAILED, Failed
from gameproject.middleware import deadline_of_request, request_id_of
from observability import observer, request_metrics, request_records, sentry_rules
from strategies.answers import ScoreAnswer
from strategies.api.base import admit_scoring
from strategies.api.scores import EventBody, score_posted
from strategies.api.urls import hot_path

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]

# Of printable ASCII: nothing is left to decode.
PATH: Final = re.compile(r"/api/v1/games/([ -.0-~]+)/tasks/([ -.0-~]+)/points")
ROUTE: Final = str(hot_path.pattern)
STATUS: Final = {200: "200 OK", 201: "201 Created"}


class FastPath:
    """A WSGI application around Django's."""

    def __init__(self, django: Application) -> None:
        self._django = django
        self._headers = _headers()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        names = PATH.fullmatch(environ["PATH_INFO"])
        if names is None or not _is_plain(environ):
            return self._django(environ, start_response)
        started = time.perf_counter()
        environ["HTTP_X_REQUEST_ID"] = request_id = request_id_of(environ)
        request_context.begin(request_id=request_id)
        observer.begin_request()
        try:
            with deadline_of_request():
                answer = _score(environ, names[1], names[2], request_id)
            raw, status = msgspec.json.encode(answer), 200 if answer.replayed else 201
            is_kept = observer.end_request()
            _note(status, started, request_id)
        except Exception as error:  # noqa: BLE001  # whatever it is, Django's handling is for it
            environ[FAILED] = Failed(error, started, request_context.bound())
        if FAILED in environ:
            return self._hand_over(environ, start_response)
        of_answer = [("Content-Length", str(len(raw))), ("X-Request-ID", request_id)]
        start_response(STATUS[status], [*self._headers, *of_answer])
        return _ThenHandOver(raw) if is_kept else [raw]

    def _hand_over(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        try:
            return self._django(environ, start_response)
        finally:
            del environ[FAILED]


class _ThenHandOver:
    """An answer after which what the observer kept is handed over: a server closes it when it has been sent."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def __iter__(self) -> Iterator[bytes]:
        yield self._raw

    def close(self) -> None:
        observer.hand_over()


def _is_plain(environ: Environ) -> bool:
    """Say whether a request asks for nothing but to be scored."""
    return (
        environ["REQUEST_METHOD"] == "POST"
        and "HTTP_ORIGIN" not in environ
        and (not settings.SECURE_SSL_REDIRECT or _is_secure(environ))
        and not (settings.SENTRY_DSN and sentry_rules.is_drawn(environ))
    )


def _is_secure(environ: Environ) -> bool:
    """Say it as `HttpRequest.is_secure` does."""
    if settings.SECURE_PROXY_SSL_HEADER:
        header, secure_value = settings.SECURE_PROXY_SSL_HEADER
        if header in environ:
            told: str = environ[header]
            return told.partition(",")[0].strip() == secure_value
    return bool(environ["wsgi.url_scheme"] == "https")


def _score(environ: Environ, game: str, task: str, request_id: str) -> ScoreAnswer:
    admit_scoring(environ)  # before a byte of the body is read
    body.require_json(environ, max_bytes=settings.API_MAX_BODY_BYTES)
    event = body.decode(_read(environ), EventBody)
    return score_posted(event, game=game, task=task, meta=environ, request_id=request_id)


def _read(environ: Environ) -> bytes:
    n_bytes = body.content_length(environ)
    if not n_bytes:
        return b""
    try:
        raw: bytes = environ["wsgi.input"].read(n_bytes)
    except OSError as error:
        raise UnreadablePostError(*error.args) from error  # as Django has it
    return raw


def _note(status: int, started: float, request_id: str) -> None:
    seconds = time.perf_counter() - started
    request_metrics.observe(request_records.POINTS_ROUTE, "POST", status, seconds)
    request_records.add("POST", ROUTE, status, seconds, request_id=request_id)


def _headers() -> Headers:
    """Return the headers that Django's middlewares would put on each of these answers.

    Those for HTTPS among them: where there are such, no plain request for HTTP is answered here.
    """
    over_https = dict([settings.SECURE_PROXY_SSL_HEADER or ("wsgi.url_scheme", "https")])
    request = WSGIRequest({"REQUEST_METHOD": "POST", "wsgi.input": io.BytesIO(), **over_https})
    response = HttpResponse(content_type="application/json")
    SecurityMiddleware(lambda _: response).process_response(request, response)
    vary = [("Vary", "origin")] if settings.CORS_ALLOWED_ORIGINS else []
    return [*response.items(), *vary]
