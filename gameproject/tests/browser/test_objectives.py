"""The objectives in the browser: from the home page to the day that spent a budget, on a phone too."""

from datetime import timedelta

import pytest
from playwright.sync_api import Page, expect

from gameproject.lib import clock
from gameproject.tests.browser.checks import assert_accessible, assert_fits
from gameproject.tests.browser.conftest import PHONE, log_in, member_of
from kpi.models import KpiMetrics
from strategies.tests.conftest import make_world

pytestmark = pytest.mark.requires_tool("chromium")


@pytest.fixture
def month(transactional_db: None) -> None:
    """Thirty days of all realms, one of them bad: its server errors spent more than the month's budget."""
    now = clock.now()
    KpiMetrics.objects.bulk_create(
        KpiMetrics(
            day=now.date() - timedelta(days=n),
            time_zone="UTC",
            is_provisional=n == 0,
            rolled_up_at=now,
            n_requests=1000,
            server_error_rate=0.5 if n == 12 else 0.0,
            n_score_requests=900,
            n_score_requests_over_200_ms=40,
            n_score_requests_over_500_ms=1,
            n_executions=900,
            execution_error_rate=0.01,
        )
        for n in range(30)
    )


def test_a_missed_objective_is_met_on_the_home_page_and_leads_to_its_requests(
    page: Page, month: None
) -> None:
    page.goto("/admin/")
    page.get_by_role("link", name="Server errors: the objective is missed.").click()

    missed = page.get_by_role("region", name="Server errors")
    expect(missed).to_contain_text("98.333")
    expect(missed).to_contain_text("missed")
    expect(page.get_by_role("region", name="Score latency, p95")).to_contain_text("low")
    expect(page.get_by_role("region", name="Availability")).to_contain_text("No day tells it yet")
    expect(page.locator("#spent canvas")).to_be_visible()
    page.locator("#spent summary").click()
    expect(page.locator("#spent")).to_contain_text("166.67 %")
    assert_accessible(page)

    page.set_viewport_size(PHONE)
    assert_fits(page)
    missed.get_by_role("link", name="What was bad").click()
    expect(page).to_have_url("/admin/observability/apirequests/?status=5xx")


def test_before_the_first_rollup_an_auditor_is_told_what_to_do(
    stranger: Page, transactional_db: None
) -> None:
    make_world()
    log_in(stranger, member_of("auditor"))
    stranger.goto("/admin/")
    stranger.get_by_role("navigation", name="Menu").get_by_role("link", name="Objectives").click()

    expect(stranger.get_by_text("No day of the last 30 has figures yet.")).to_be_visible()
    expect(stranger.get_by_text("rollup_kpis --from")).to_be_visible()
    assert_accessible(stranger)
    stranger.set_viewport_size(PHONE)
    assert_fits(stranger)
