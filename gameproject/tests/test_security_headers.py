"""What a browser is told about every page, and what the API is not charged for."""

import pytest
from django.test import Client

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("path", ["/admin/login/", "/nowhere", "/api/docs", "/admin/strategies/score/"])
def test_every_page_forbids_inline_scripts_and_frames(path: str) -> None:
    answer = Client().get(path, follow=True)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy
    assert "<script>" not in answer.content.decode()
    assert "<style" not in answer.content.decode()


def test_the_apis_json_has_no_policy() -> None:
    answer = Client().get("/api/v1/games")
    assert answer.headers["Content-Type"] == "application/json"
    assert "Content-Security-Policy" not in answer.headers


def test_a_path_that_is_not_there_is_json_below_api_and_a_page_elsewhere() -> None:
    assert Client().get("/api/nowhere").json()["error"]["code"] == "NOT_FOUND"
    page = Client().get("/nowhere", headers={"X-Request-ID": "of-mine"}).content.decode()
    assert "There is nothing here" in page
    assert "of-mine" in page
