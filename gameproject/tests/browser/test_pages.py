"""Pages that are not the admin's: the API's description, and errors."""

import pytest
from playwright.sync_api import Page, expect

from gameproject.tests.browser.checks import assert_accessible, assert_fits
from gameproject.tests.browser.conftest import PHONE

pytestmark = pytest.mark.requires_tool("chromium")


def test_the_apis_description_works_under_the_policy(stranger: Page) -> None:
    answer = stranger.goto("/api/docs")

    assert answer is not None
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    expect(stranger.locator(".opblock").first).to_be_visible(timeout=20_000)


def test_a_page_that_is_not_there_says_so_and_leads_back(stranger: Page) -> None:
    stranger.set_viewport_size(PHONE)
    answer = stranger.goto("/nowhere")

    assert answer is not None
    assert answer.status == 404
    expect(stranger.get_by_role("heading", name="There is nothing here")).to_be_visible()
    assert_fits(stranger)
    assert_accessible(stranger)
    stranger.get_by_role("link", name="Go to the home page").click()
    expect(stranger.get_by_label("Username")).to_be_visible()
