"""The metrics are closed to everybody, unless they are opened; a worker's port is guarded the same way."""

import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from wsgiref.simple_server import make_server

import pytest
from django.test import Client
from pytest_django import Settings

from observability import metrics_access, metrics_server


@pytest.mark.parametrize(
    ("token", "networks", "authorization", "address", "allowed"),
    [
        ("", [], "", "127.0.0.1", False),
        ("", [], "Bearer ", "127.0.0.1", False),
        ("t0ken", [], "Bearer t0ken", "192.0.2.1", True),
        ("t0ken", [], "Bearer wrong", "127.0.0.1", False),
        ("t0ken", [], "t0ken", "127.0.0.1", False),
        ("t0ken", [], "Bearer t0k\udc80en", "127.0.0.1", False),
        ("", ["10.0.0.0/8"], "", "10.1.2.3", True),
        ("", ["10.0.0.0/8"], "", "11.1.2.3", False),
        ("", ["10.0.0.0/8"], "", "", False),
        ("", ["10.0.0.0/8"], "", "::1", False),
        ("t0ken", ["10.0.0.0/8"], "", "10.1.2.3", True),
    ],
)
def test_who_may_read(
    *, settings: Settings, token: str, networks: list[str], authorization: str, address: str, allowed: bool
) -> None:
    settings.METRICS_TOKEN, settings.METRICS_ALLOWED_NETWORKS = token, networks

    assert metrics_access.may_read(authorization=authorization, address=address) is allowed


@pytest.mark.django_db
def test_the_view_is_closed_opened_and_taken_away(settings: Settings, redis: object) -> None:
    assert Client().get("/metrics").status_code == 403

    settings.METRICS_TOKEN = "t0ken"
    opened = Client().get("/metrics", headers={"Authorization": "Bearer t0ken"})
    assert opened.status_code == 200
    assert "scoring_build_info{" in opened.content.decode()

    settings.METRICS_ENABLED = False
    assert Client().get("/metrics", headers={"Authorization": "Bearer t0ken"}).status_code == 404


@pytest.fixture
def port() -> Iterator[int]:
    """Serve what a worker serves."""
    with make_server(
        "127.0.0.1", 0, metrics_server.answer, handler_class=metrics_server._SilentHandler
    ) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


def test_a_worker_s_port_is_guarded_too(settings: Settings, port: int) -> None:
    url = f"http://127.0.0.1:{port}/metrics"
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(url)
    assert refused.value.code == 403
    refused.value.close()

    settings.METRICS_ALLOWED_NETWORKS = ["127.0.0.1"]
    with urllib.request.urlopen(url) as answer:
        assert b"scoring_log_records_total" in answer.read()
