"""The trace browser, in a real browser: from a request id to the node that failed, and what another version would do."""

import json
import re
import uuid

import pytest
from playwright.sync_api import Page, expect
from pytest_django import Settings
from redis import Redis

from gameproject.lib import clock
from gameproject.lib.ids import uuid7
from gameproject.tests.browser.checks import assert_accessible, assert_fits
from gameproject.tests.browser.conftest import PHONE
from observability import dead_letters, tasks
from observability.models import StrategyExecutionLog, TraceDrops
from observability.tests.conftest import redis
from observability.tests.kept import store_what_waits
from strategies import publishing
from strategies.tests.conftest import FIRST_TIME_BONUS, World, constant_program, data_program, make_world

__all__ = ["redis"]

pytestmark = pytest.mark.requires_tool("chromium")

LIST = "/admin/observability/strategyexecutionlog/"
AWKWARD_NAMES = ("x" * 200, "مريم القحطاني", "<img src=x onerror=alert(1)>")


@pytest.fixture
def traced(transactional_db: None, settings: Settings, redis: Redis) -> World:
    """A world of which every run is kept: awkward names, a failure, a rule that did not hold, losses."""
    world = make_world()
    world.task("t1", world.strategy("First time", FIRST_TIME_BONUS))
    world.task("minutes", world.strategy("Minutes", data_program()))
    for name in (*AWKWARD_NAMES, "ana", "ana"):
        assert world.score(name, data={"note": "n" * 500}).status_code == 201
    assert world.score("ana", task="minutes", data={"minutes": "many"}).status_code == 422
    store_what_waits(redis)
    minute = clock.now().replace(second=0, microsecond=0)
    TraceDrops.objects.create(report_id=uuid7(), minute=minute, reason="queue_full", n_traces=1234)
    return world


def test_from_a_request_id_to_the_node_that_failed(page: Page, traced: World) -> None:
    failed = StrategyExecutionLog.objects.get(is_error=True)
    page.goto("/admin/")
    page.get_by_role("searchbox").fill(failed.request_id)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=re.compile("Request"))).to_be_visible()
    assert_accessible(page)

    page.get_by_role("region", name="Executions").get_by_role("link").click()

    expect(page.get_by_role("heading", name="Failed")).to_be_visible()
    expect(page.locator(".step.is-failed .failure").first).to_be_visible()
    expect(page.get_by_text("Reproduced.")).to_be_visible()
    assert_accessible(page)


def test_a_draft_is_tried_on_what_really_happened(page: Page, traced: World) -> None:
    failed = StrategyExecutionLog.objects.get(is_error=True)
    publishing.edit_strategy(strategy=failed.strategy, program=constant_program(7, "New"))
    page.goto(f"{LIST}{failed.pk}/change/")
    page.get_by_label("Version").select_option("2")
    page.get_by_role("button", name="Replay").click()

    expect(page.get_by_role("heading", name="Replayed by version 2 (draft)")).to_be_visible()
    expect(page.locator(".replayed ins").filter(has_text="7")).to_be_visible()
    assert_accessible(page)


def test_the_list_is_filtered_and_says_what_was_lost(page: Page, traced: World) -> None:
    page.goto(LIST)
    expect(page.get_by_text("1,234 traces of this span of time were lost")).to_be_visible()
    assert_accessible(page)
    page.locator("summary", has_text="Filter").click()
    page.get_by_label("Status:").select_option("error")
    page.get_by_role("button", name="Apply").click()
    expect(page.locator("#result_list tbody tr")).to_have_count(1)
    assert_accessible(page)

    with page.expect_download() as download:
        page.get_by_role("button", name="JSON Lines").click()

    line = download.value.path().read_text().strip()
    assert json.loads(line)["status"] == "error"


def test_traces_that_were_put_aside_are_put_back(page: Page, traced: World, redis: Redis) -> None:
    tasks.store_executions({"format": 9, "rows": []})
    page.goto(LIST)
    page.get_by_role("link", name="Traces put aside").click()
    expect(page.get_by_text("format 9 is not known")).to_be_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Put back…").click()
    assert_accessible(page)
    page.get_by_role("button", name="Put back 1 message").click()

    expect(page.get_by_text("1 message put back into the queue.")).to_be_visible()
    expect(page.get_by_text("Nothing was put aside.")).to_be_visible()
    assert dead_letters.newest() == ([], 0)


def test_awkward_names_harm_no_page_and_all_fits_a_phone(page: Page, traced: World) -> None:
    page.set_viewport_size(PHONE)
    executions = list(StrategyExecutionLog.objects.order_by("pk"))
    of_requests = [f"/admin/observability/request/{each.request_id}" for each in executions[:3]]
    pages = [f"{LIST}{each.pk}/change/" for each in executions]
    for path in (
        LIST,
        f"{LIST}?span=all&q=nothing",
        "/admin/observability/request/unknown",
        *of_requests,
        *pages,
    ):
        page.goto(path)
        assert_fits(page)
    assert_accessible(page)


def test_an_execution_that_nobody_knows_is_a_page_that_says_so(page: Page, traced: World) -> None:
    answer = page.goto(f"{LIST}{uuid.UUID(int=0)}/change/")
    assert answer is not None
    assert answer.status == 404
