"""The way in, and what every page has."""

import pytest
from django.contrib.auth import get_user_model
from playwright.sync_api import Page, expect

from gameproject.tests.browser.checks import assert_accessible, assert_fits
from gameproject.tests.browser.conftest import PASSWORD, PHONE, log_in, member_of

pytestmark = pytest.mark.requires_tool("chromium")


def test_staff_log_in_and_arrive_at_a_home_page_that_says_how_to_begin(stranger: Page) -> None:
    get_user_model().objects.create_superuser("admin", password=PASSWORD)

    stranger.goto("/")
    assert_accessible(stranger)
    stranger.get_by_label("Username").fill("admin")
    stranger.get_by_label("Password").fill(PASSWORD)
    stranger.get_by_role("button", name="Log in").click()

    expect(stranger.get_by_role("heading", name="How to begin")).to_be_visible()
    assert_accessible(stranger)
    assert stranger.request.get("/favicon.ico").status == 200


def test_empty_lists_and_forms_are_accessible_and_fit_a_phone(page: Page) -> None:
    page.set_viewport_size(PHONE)
    for path in ("score/", "apikey/add/", "game/add/"):
        page.goto(f"/admin/strategies/{path}")
        assert_fits(page)
        assert_accessible(page)


def test_a_page_that_a_group_may_not_see_says_so(stranger: Page) -> None:
    log_in(stranger, member_of("auditor"))
    answer = stranger.goto("/admin/strategies/apikey/add/")

    assert answer is not None
    assert answer.status == 403
    expect(stranger.get_by_role("heading", name="You may not do this")).to_be_visible()
