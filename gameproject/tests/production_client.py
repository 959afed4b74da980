"""Django's test client, on the way that requests take in production: through the fast path."""

import io
from typing import Any

from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.test import Client
from django.test.client import ClientHandler
from django.utils.module_loading import import_string

# By its path: the tests of a layer may use the whole service, though the layer imports nothing from above.
FastPath: Any = import_string("gameproject.fast_path.FastPath")


class ProductionHandler(ClientHandler):
    """Gives the client the answers of the fast path as Django's own."""

    def __call__(self, environ: dict[str, Any]) -> Any:
        answer = HttpResponse()

        def start_response(status: str, headers: list[tuple[str, str]]) -> None:
            answer.status_code = int(status.split(maxsplit=1)[0])
            del answer.headers["Content-Type"]
            for name, value in headers:
                answer.headers[name] = value

        # The answer of Django's handling is no iterable of bytes, and comes back as it is.
        parts: Any = FastPath(lambda environ, _: super(ProductionHandler, self).__call__(environ))(
            environ, start_response
        )
        if isinstance(parts, HttpResponseBase):
            return parts
        answer.content = b"".join(parts)
        if hasattr(parts, "close"):
            parts.close()
        answer.wsgi_request = WSGIRequest({**environ, "wsgi.input": io.BytesIO()})  # type: ignore[attr-defined]  # as the client expects
        return answer


class ProductionClient(Client):
    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.handler = ProductionHandler(enforce_csrf_checks=False)
