"""What every page must stand: a screen reader's needs in both themes, and a phone's width."""

from typing import Literal

from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]  # it has no types
from playwright.sync_api import Page

# Without preloading: it copies style sheets into the page, which the Content-Security-Policy refuses.
AXE_OPTIONS = {"resultTypes": ["violations"], "preload": False}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def assert_accessible(page: Page) -> None:
    """Let axe look at the page in light and in dark; nothing serious may be found."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        found = Axe().run(page, options=AXE_OPTIONS).response["violations"]
        serious = [
            f"{scheme}: {each['help']}: {[node['html'] for node in each['nodes']][:3]}"
            for each in found
            if each["impact"] in ("serious", "critical")
        ]
        assert not serious, "\n".join(serious)


def assert_fits(page: Page) -> None:
    """Nothing but tables in their own boxes may scroll sideways."""
    overhang = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overhang <= 0, f"the page is {overhang} pixels too wide"
