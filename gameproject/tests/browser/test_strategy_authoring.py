"""An author's day: from a template to a published strategy, and back again."""

import json

import pytest
from playwright.sync_api import Page, expect

from gameproject.tests.browser.checks import assert_accessible, assert_fits
from gameproject.tests.browser.conftest import PHONE
from strategies import publishing
from strategies.admin.strategies.json_text import write_json
from strategies.models import Alias, Strategy
from strategies.tests.conftest import World, constant_program, data_program, make_world

pytestmark = pytest.mark.requires_tool("chromium")

LIST = "/admin/strategies/strategy/"


@pytest.fixture
def world(transactional_db: None) -> World:
    return make_world()


@pytest.fixture
def strategy(world: World) -> Strategy:
    made = world.strategy("Walking to school", data_program())
    world.task("t1", made)
    return made


def page_of(strategy: Strategy, page: str = "change/") -> str:
    return f"{LIST}{strategy.pk}/{page}"


def number_in_production(strategy: Strategy) -> int:
    return Alias.objects.get(strategy=strategy).version.number


def test_from_a_template_to_production_and_back(page: Page, world: World) -> None:
    page.goto(LIST)
    page.get_by_role("link", name="Add strategy").click()
    page.get_by_role("link", name="Task completion").click()
    program = page.get_by_label("Program (JSON)")
    correct = program.input_value()

    program.fill(correct.replace("assign_points", "asign_points", 1))
    expect(page.locator(".problem")).to_contain_text("Did you mean")
    page.get_by_role("button", name="line").first.click()
    expect(program).to_be_focused()
    selected = "area => area.value.slice(area.selectionStart, area.selectionEnd)"
    assert "{" in program.evaluate(selected)

    program.fill(correct)
    expect(page.locator(".checked")).to_contain_text("No problems")
    page.get_by_role("button", name="Create the draft").click()
    expect(page.get_by_text("Created task-completion")).to_be_visible()

    strategy = Strategy.objects.get(realm=world.realm)
    world.task("t1", strategy)
    page.get_by_label("Game").fill("g1")
    page.get_by_label("Task", exact=True).fill("t1")
    page.get_by_role("button", name="Simulate").click()
    expect(page.locator(".outcome")).to_contain_text("FirstCompletion")

    page.get_by_role("link", name="Publish …").click()
    expect(page.get_by_text("g1 / t1")).to_be_visible()
    page.get_by_role("button", name="Publish version 1").click()
    expect(page.get_by_text("Published version 1.").first).to_be_visible()

    page.get_by_role("link", name="Edit as next draft").click()
    page.get_by_label("Program (JSON)").fill(correct.replace('"value": 5', '"value": 50'))
    page.keyboard.press("Control+s")
    expect(page.get_by_text("Saved the draft of version 2")).to_be_visible()
    page.get_by_role("link", name="Publish …").click()
    expect(page.get_by_text("assign 50 points")).to_be_visible()
    page.get_by_role("button", name="Publish version 2").click()

    page.get_by_role("button", name="Compare").click()
    expect(page.get_by_text("assign 50 points")).to_be_visible()
    page.get_by_role("link", name=strategy.slug).click()
    page.get_by_role("link", name="Roll back …").click()
    page.get_by_role("button", name="Show what it would mean").click()
    page.get_by_role("button", name="Roll back to version 1").click()
    expect(page.get_by_text("Version 1 scores from now on").first).to_be_visible()
    assert number_in_production(strategy) == 1


def test_the_editor_indents_formats_and_warns_of_what_another_author_did(
    page: Page, strategy: Strategy
) -> None:
    page.goto(page_of(strategy, "edit/"))
    program = page.get_by_label("Program (JSON)")
    program.fill(json.dumps(constant_program(9)))
    program.press("Home")
    program.press("Tab")
    assert program.input_value().startswith("  {")
    page.get_by_role("button", name="Format").click()
    expect(program).to_have_value(write_json(constant_program(9)))
    expect(page.locator(".gutter")).to_contain_text("5")

    publishing.edit_strategy(strategy=strategy, program=constant_program(8))
    page.get_by_role("button", name="Save draft").click()
    expect(page.get_by_role("alert")).to_contain_text("assign 8 points")
    expect(program).to_have_value(write_json(constant_program(9)))
    assert_accessible(page)


def test_a_failing_run_shows_where_it_fails(page: Page, strategy: Strategy) -> None:
    page.goto(page_of(strategy, "versions/1/"))
    page.get_by_label("Event data").fill('{"minutes": "many"}')
    page.get_by_label("Player").press("Enter")

    expect(page.locator(".step.is-failed").first).to_be_visible()
    expect(page.locator(".verdict")).to_contain_text("DSL_ASSIGN_POINTS_NOT_NUMBER")
    assert_accessible(page)


def test_every_page_is_accessible_and_fits_a_phone(page: Page, strategy: Strategy) -> None:
    publishing.edit_strategy(strategy=strategy, program=constant_program(7, "Done " * 30))
    publishing.publish_strategy(strategy=strategy)
    publishing.edit_strategy(strategy=strategy, program=constant_program(8))
    paths = [
        *("change/", "edit/", "versions/1/", "difference/?a=1&b=2", "publish/", "rollback/?version=1"),
        *("archive/", "clone/"),
    ]
    for path in [LIST, f"{LIST}add/", f"{LIST}import/", *(page_of(strategy, path) for path in paths)]:
        page.set_viewport_size(PHONE)
        page.goto(path)
        assert_fits(page)
        assert_accessible(page)
