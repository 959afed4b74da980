"""A believable day in the browser: an operator mends what fails, an auditor sees all of it and changes nothing."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect
from redis import Redis

from gameproject.lib import clock
from gameproject.tests.browser.checks import assert_accessible, assert_fits
from gameproject.tests.browser.conftest import PHONE, log_in, member_of
from kpi import rolling_up
from observability.models import Logs
from observability.tests.conftest import redis
from observability.tests.kept import store_what_waits
from strategies import publishing
from strategies.models import Player, Strategy
from strategies.tests.conftest import World, constant_program, data_program, make_world

__all__ = ["redis"]

pytestmark = pytest.mark.requires_tool("chromium")


@pytest.fixture
def failing(transactional_db: None, redis: Redis) -> World:
    """A strategy whose second version, just published, fails on every event."""
    world = make_world()
    strategy = world.strategy("Minutes", constant_program(5))
    world.task("t1", strategy)
    for player in ("ana", "ben", "eve"):
        world.score(player, data={"minutes": 3})
    publishing.edit_strategy(strategy=strategy, program=data_program())
    publishing.publish_strategy(strategy=strategy)
    for player in ("ana", "ben"):
        assert world.score(player, data={"minutes": "many"}).status_code == 422
    store_what_waits(redis)
    today = clock.now().date()
    rolling_up.roll_up_days(today, today)
    return world


def test_an_operator_finds_what_fails_reads_why_replays_and_rolls_back(
    stranger: Page, failing: World
) -> None:
    log_in(stranger, member_of("operator"))
    stranger.goto("/admin/")
    concerns = stranger.get_by_role("region", name="Needs attention")
    expect(concerns).to_contain_text("minutes: 2 runs failed")
    assert_accessible(stranger)

    failing_row = stranger.get_by_role("region", name="Failing strategies").last.locator("tbody tr")
    failing_row.get_by_role("link").last.click()
    expect(stranger.locator(".step.is-failed").first).to_be_visible()
    stranger.get_by_label("Version").select_option("1")
    stranger.get_by_role("button", name="Replay").click()
    expect(stranger.get_by_role("heading", name="Replayed by version 1")).to_be_visible()

    stranger.get_by_role("link", name="minutes", exact=True).first.click()
    stranger.get_by_role("link", name="How it does").click()
    expect(stranger.locator("#failures canvas")).to_be_visible()
    assert_accessible(stranger)
    stranger.get_by_role("link", name="minutes", exact=True).click()
    stranger.get_by_role("link", name="Roll back …").click()
    stranger.get_by_label("Version").first.select_option("1")
    stranger.get_by_role("button", name="Show what it would mean").click()
    stranger.get_by_role("button", name="Roll back to version 1").click()

    failing.score("ana", data={"minutes": "many"})
    stranger.goto("/admin/")
    done = stranger.get_by_role("region", name="Done last")
    done.get_by_role("link", name="Rolled minutes back to version 1.").click()
    expect(stranger.get_by_text("verified", exact=True)).to_be_visible()
    assert Logs.objects.get(event="strategy.rolled_back").staff_user == "operator"


def test_an_auditor_sees_all_of_it_and_is_offered_nothing_to_change(stranger: Page, failing: World) -> None:
    strategy = Strategy.objects.get(realm=failing.realm)
    log_in(stranger, member_of("auditor"))
    player = Player.objects.get(external_id="ana")
    pages = [
        "/admin/",
        "/admin/kpi/kpimetrics/?days=7",
        reverse("strategy_performance", args=[strategy.pk]),
        f"{reverse('strategy_comparison', args=[strategy.pk])}?a=1&b=2",
        reverse("player_over_time", args=[player.pk]),
        "/admin/observability/apirequests/",
        "/admin/observability/uptimelogs/",
    ]
    for page in pages:
        answer = stranger.goto(page)
        assert answer is not None
        assert answer.status == 200
        assert_accessible(stranger)
        stranger.set_viewport_size(PHONE)
        assert_fits(stranger)
    for page in ("rollback/", "publish/", "edit/"):
        answer = stranger.goto(f"/admin/strategies/strategy/{strategy.pk}/{page}")
        assert answer is not None
        assert answer.status == 403


def test_charts_are_drawn_under_the_policy_and_follow_the_theme(page: Page, failing: World) -> None:
    page.goto("/admin/kpi/kpimetrics/?days=7")
    expect(page.locator("#scores canvas")).to_be_visible()
    expect(page.locator("#scores .u-legend")).to_contain_text("awards")

    light = page.locator("#scores .u-marker").nth(1).evaluate("mark => getComputedStyle(mark).borderColor")
    page.emulate_media(color_scheme="dark")
    dark = page.locator("#scores .u-marker").nth(1)
    expect(dark).not_to_have_css("border-color", light)
    page.locator("#scores summary").click()
    expect(page.get_by_role("region", name="Scores, as a table")).to_be_visible()
