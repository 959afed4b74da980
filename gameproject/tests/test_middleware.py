"""Our middlewares are Django's own, outside the API; two checks that look for their names are silenced for it."""

from typing import Any

import pytest
from django.conf import settings
from django.core.handlers.wsgi import WSGIHandler
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.csrf import CsrfViewMiddleware
from django.test import Client
from django.utils.module_loading import import_string


@pytest.mark.parametrize("protection", [CsrfViewMiddleware, XFrameOptionsMiddleware])
def test_the_silenced_protections_are_installed(protection: type) -> None:
    assert any(
        issubclass(import_string(path), protection) for path in settings.MIDDLEWARE if "gameproject" in path
    )


@pytest.mark.django_db
def test_a_login_without_a_token_is_refused_and_no_page_can_be_framed() -> None:
    client = Client(enforce_csrf_checks=True)

    assert client.get("/admin/login/").headers["X-Frame-Options"] == "DENY"
    assert client.post("/admin/login/", {"username": "a", "password": "b"}).status_code == 403


def test_an_api_request_passes_all_that_serve_people_in_one_step() -> None:
    layer: Any = WSGIHandler()._middleware_chain.__wrapped__  # type: ignore[attr-defined]
    while not hasattr(layer, "past_these"):
        layer = layer.get_response.__wrapped__

    assert layer.past_these.__wrapped__.__name__ == "_get_response"
