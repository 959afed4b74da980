"""A Sentry on loopback: takes what the SDK sends, and shows it."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Sentry:
    """What has come, oldest first."""

    def __init__(self, port: int) -> None:
        self.dsn = f"http://public@127.0.0.1:{port}/1"
        self.items: list[tuple[str, dict[str, Any]]] = []

    def of_type(self, name: str) -> list[dict[str, Any]]:
        return [item for kind, item in self.items if kind == name]

    def of_request(self, request_id: str, name: str = "event") -> list[dict[str, Any]]:
        return [item for item in self.of_type(name) if item.get("tags", {}).get("request_id") == request_id]

    def take(self, envelope: bytes) -> None:
        """Read an envelope: its header, then pairs of an item's header and its JSON, a line each."""
        _header, *lines = envelope.splitlines()
        for header, payload in zip(lines[::2], lines[1::2], strict=False):
            self.items.append((json.loads(header)["type"], json.loads(payload)))


@contextmanager
def listening() -> Iterator[Sentry]:
    """Run it for as long as a test needs it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            sentry.take(gzip.decompress(body) if self.headers["Content-Encoding"] == "gzip" else body)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        sentry = Sentry(server.server_port)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield sentry
        server.shutdown()
