"""The metrics of a worker or of beat, which serve no requests: a port of their own, guarded as `/metrics` is."""

import logging
import threading
from collections.abc import Iterable
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIEnvironment

from django.conf import settings

from observability import metrics_access, metrics_text

logger = logging.getLogger(__name__)


def start() -> None:
    """Serve metrics in a thread, where a port is set."""
    if not (settings.METRICS_ENABLED and settings.METRICS_PORT):
        return
    server = make_server(
        settings.METRICS_ADDRESS,
        settings.METRICS_PORT,
        answer,
        server_class=_Server,
        handler_class=_SilentHandler,
    )
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    logger.info("metrics on port %d", server.server_port)


def answer(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """Answer every path with the metrics, or with 403."""
    allowed = metrics_access.may_read(
        authorization=environ.get("HTTP_AUTHORIZATION", ""), address=environ.get("REMOTE_ADDR", "")
    )
    if not allowed:
        start_response("403 Forbidden", [("Content-Type", "text/plain")])
        return [metrics_access.REFUSAL.encode()]
    start_response("200 OK", [("Content-Type", metrics_text.CONTENT_TYPE)])
    return [metrics_text.of_processes()]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _SilentHandler(WSGIRequestHandler):
    timeout = 5  # a peer that sends nothing holds its thread no longer

    def log_message(self, *_: object) -> None:
        """A scrape is no news."""
