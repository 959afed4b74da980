"""A key is made, shown once, used and revoked, in a real browser."""

import pytest
from playwright.sync_api import Page, expect

from gameproject.tests.browser.checks import assert_accessible
from strategies.tests.conftest import make_world

pytestmark = pytest.mark.requires_tool("chromium")


def test_a_keys_secret_is_shown_once_and_the_key_is_revoked(page: Page) -> None:
    make_world()
    page.goto("/admin/strategies/apikey/add/")
    page.get_by_label("Realm", exact=False).first.select_option(label="acme")
    page.get_by_label("Name:").fill("shop")
    page.get_by_label("score: send events").check()
    page.get_by_role("button", name="Save", exact=True).click()

    key = page.locator("#key").inner_text()
    assert_accessible(page)
    assert page.request.get("/api/v1/games", headers={"X-API-Key": key}).status == 403  # it may only score

    page.get_by_role("link", name="I have copied it").click()
    assert key.split(".")[1] not in page.content()
    page.get_by_role("link", name="Revoke").click()
    assert_accessible(page)
    page.get_by_role("button", name="Revoke").click()

    expect(page.get_by_text(f"The key {key.split('.')[0]} is revoked.")).to_be_visible()
    page.goto("/admin/strategies/apikey/?status=revoked")
    expect(page.locator("#result_list").get_by_text("revoked")).to_be_visible()
    assert page.request.get("/api/v1/games", headers={"X-API-Key": key}).status == 401
