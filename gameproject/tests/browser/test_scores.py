"""The operator's ways through the scores, in a real browser."""

import re

import pytest
from playwright.sync_api import Page, expect

from gameproject.tests.browser.checks import assert_accessible, assert_fits
from gameproject.tests.browser.conftest import PHONE
from strategies.models import Score
from strategies.tests.conftest import FIRST_TIME_BONUS, World, make_world

pytestmark = pytest.mark.requires_tool("chromium")

AWKWARD_NAMES = ("x" * 200, "مريم القحطاني", "<img src=x onerror=alert(1)>")


@pytest.fixture
def played(transactional_db: None) -> World:
    """A world in which awkwardly named players and ana have scored, ana twice."""
    world = make_world()
    world.task("t1", world.strategy("First time", FIRST_TIME_BONUS))
    for name in (*AWKWARD_NAMES, "ana", "ana"):
        assert world.score(name, data={"note": "n" * 500}).status_code == 201
    return world


def test_from_home_to_why_a_player_got_these_points(page: Page, played: World) -> None:
    page.goto("/admin/")
    assert_accessible(page)
    page.get_by_role("link", name="All scores").click()
    assert_accessible(page)
    page.locator("summary", has_text="Filter").click()
    page.get_by_label("Player:").fill("ana")
    page.get_by_label("Case:").fill("Again")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(1)

    page.locator("#result_list tbody th a").click()

    expect(page.get_by_text("1 point, case Again: by default, as no rule decided.")).to_be_visible()
    expect(page.get_by_text("user.points_total 100 == 0 is false")).to_be_visible()
    expect(page.get_by_text("Reproduced.")).to_be_visible()
    assert_accessible(page)


def test_an_id_in_the_search_box_leads_to_all_of_the_request(page: Page, played: World) -> None:
    score = Score.objects.latest("pk")
    page.goto("/admin/")
    page.get_by_role("searchbox").fill(score.request_id)
    page.keyboard.press("Enter")

    expect(page.get_by_role("heading", name=re.compile(score.request_id))).to_be_visible()
    expect(page.locator(f'a[href="/admin/strategies/score/{score.pk}/change/"]')).to_be_visible()


def test_a_rule_unfolds_by_keyboard(page: Page, played: World) -> None:
    page.goto(f"/admin/strategies/score/{Score.objects.latest('pk').pk}/change/")
    rule = page.locator(".step.of-rule > details > summary")
    statement = page.get_by_text("assign 100 points, case FirstTime")
    expect(statement).to_be_hidden()
    rule.focus()
    page.keyboard.press("Enter")
    page.locator(".step.of-branch > details > summary").press("Enter")
    expect(statement).to_be_visible()


def test_a_score_is_taken_back(page: Page, played: World) -> None:
    score = Score.objects.earliest("pk")
    page.goto(f"/admin/strategies/score/{score.pk}/change/")
    page.get_by_role("link", name="Take back").click()
    assert_accessible(page)
    page.get_by_label("Reason").fill("The app sent it twice.")
    page.get_by_role("button", name="Take back 100 points").click()

    expect(page.get_by_text(re.compile("Taken back: 100 points, by score"))).to_be_visible()
    page.get_by_role("link", name=re.compile("the score")).click()
    expect(page.get_by_text("The app sent it twice.").first).to_be_visible()
    assert Score.objects.get(reverses=score).points == -100


def test_awkward_names_harm_no_page_and_all_fits_a_phone(page: Page, played: World) -> None:
    page.set_viewport_size(PHONE)
    for path in (
        "/admin/",
        "/admin/strategies/score/",
        "/admin/strategies/player/",
        "/admin/strategies/task/",
    ):
        page.goto(path)
        assert_fits(page)
    for score in Score.objects.order_by("pk")[: len(AWKWARD_NAMES)]:
        page.goto(f"/admin/strategies/score/{score.pk}/change/")
        assert_fits(page)
        page.get_by_role("link", name=score.player.external_id).click()
        expect(page.get_by_role("heading", name=score.player.external_id)).to_be_visible()
        assert_fits(page)
    assert_accessible(page)
