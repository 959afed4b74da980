"""The audit trail in a real browser: from a strategy to what was done to it, and whether it still says the same."""

import json

import pytest
from playwright.sync_api import Page, expect

from gameproject.tests.browser.checks import assert_accessible, assert_fits
from gameproject.tests.browser.conftest import PHONE
from gameproject.tests.database import without_triggers
from observability.models import Logs
from strategies import publishing
from strategies.models import Strategy
from strategies.tests.conftest import World, constant_program, make_world

pytestmark = pytest.mark.requires_tool("chromium")


@pytest.fixture
def lived(transactional_db: None) -> World:
    """A world with a strategy that was published twice and rolled back."""
    world = make_world()
    strategy = world.strategy("Fast start", constant_program(1))
    publishing.edit_strategy(
        strategy=strategy, program=constant_program(2), description="<script>alert(1)</script>" + "x" * 300
    )
    publishing.publish_strategy(strategy=strategy)
    publishing.roll_back_strategy(strategy=strategy, number=1)
    return world


def test_from_a_strategy_to_what_was_done_to_it(page: Page, lived: World) -> None:
    page.goto(f"/admin/strategies/strategy/{Strategy.objects.get(realm=lived.realm).pk}/change/")
    page.get_by_role("link", name="What was done to it").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(5)
    assert_accessible(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON Lines").click()
    lines = download.value.path().read_text().splitlines()
    assert [json.loads(line)["event"] for line in lines][:2] == ["strategy.rolled_back", "strategy.published"]

    page.locator("#result_list tbody th a").first.click()

    expect(page.get_by_role("heading", name="Rolled fast-start back to version 1.")).to_be_visible()
    expect(page.locator("del", has_text="2").first).to_be_visible()
    expect(page.get_by_text("verified", exact=True)).to_be_visible()
    assert_accessible(page)
    page.get_by_role("link", name="Before it").click()
    expect(page.get_by_role("heading", name="Published version 2 of fast-start.")).to_be_visible()


def test_an_entry_that_was_changed_shows_it_and_all_fits_a_phone(page: Page, lived: World) -> None:
    entry = Logs.objects.get(event="strategy.edited")
    with without_triggers():
        Logs.objects.filter(pk=entry.pk).update(staff_user="somebody else")
    page.set_viewport_size(PHONE)
    page.goto("/admin/observability/logs/")
    assert_fits(page)
    page.goto(f"/admin/observability/logs/{entry.pk}/change/")
    expect(page.get_by_text("This entry is not as it was written")).to_be_visible()
    assert_fits(page)
    assert_accessible(page)
