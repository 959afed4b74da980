"""A real browser before the service as it is served; what the browser complains of fails the test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser, Group
from django.core.management import call_command
from django.test import Client, override_settings
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Page,
    Response,
    ViewportSize,
    sync_playwright,
)

from gameproject.tests.conftest import Web, serve

PASSWORD = "a-long-one-for-tests"  # of a database that lives for one test
DESKTOP: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
CHROMIUM_OPTIONS = [
    *("--no-sandbox", "--headless=new", "--disable-gpu", "--disable-dev-shm-usage", "--use-gl=swiftshader"),
    *("--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update"),
    "--disable-sync",
]
# Chromium says it of every answer from 400 on; `Browsing` looks at the answers themselves.
FAILED_TO_LOAD = "Failed to load resource"


class Browsing:
    """One browser window, and all that went wrong in it."""

    def __init__(self, page: Page) -> None:
        self.complaints: list[str] = []
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.complaints.append(f"script: {error}"))
        page.on("response", self._answered)

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type == "error" and FAILED_TO_LOAD not in message.text:
            self.complaints.append(f"console: {message.text}")

    def _answered(self, response: Response) -> None:
        if response.status >= 500 or (
            response.status >= 400 and not response.request.is_navigation_request()
        ):
            self.complaints.append(f"{response.status}: {response.url}")


@pytest.fixture(scope="package")
def static_root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Collect the static files as a deployment does, without what no page uses and without compressing."""
    folder = tmp_path_factory.mktemp("static")
    manifest = "django.contrib.staticfiles.storage.ManifestStaticFilesStorage"
    with override_settings(STATIC_ROOT=folder, STORAGES={"staticfiles": {"BACKEND": manifest}}):
        unused = ["redoc", "rest_framework"]
        call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=unused)
    return folder


@pytest.fixture(scope="package")
def server(django_db_setup: None, static_root: Path) -> Iterator[Web]:
    """Serve all tests of this folder by one process: it starts once, and its database is emptied after each."""
    with serve(n_processes=1, STATIC_ROOT=str(static_root)) as web:
        yield web


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as patch, sync_playwright() as playwright:
        # Playwright keeps an event loop in this thread, and Django would refuse to ask the database.
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "true")
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM_OPTIONS)
        yield browser
        browser.close()


@pytest.fixture
def context(chromium: Browser, server: Web, transactional_db: None) -> Iterator[BrowserContext]:
    """A browser that nobody has logged in with; relative addresses are the server's."""
    context = chromium.new_context(
        base_url=f"http://127.0.0.1:{server.port}",
        viewport=DESKTOP,
        reduced_motion="reduce",
    )
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def stranger(context: BrowserContext) -> Iterator[Page]:
    """A page before the login."""
    page = context.new_page()
    browsing = Browsing(page)
    yield page
    assert browsing.complaints == []


@pytest.fixture
def page(stranger: Page) -> Page:
    """A page of a superuser."""
    log_in(stranger, get_user_model().objects.create_superuser("admin", password=PASSWORD))
    return stranger


def log_in(page: Page, user: AbstractBaseUser) -> None:
    """Go on as `user`, without the login form."""
    client = Client()
    client.force_login(user)  # type: ignore[arg-type]  # any user model
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    page.context.add_cookies(
        [{"name": settings.SESSION_COOKIE_NAME, "value": session, "domain": "127.0.0.1", "path": "/"}]
    )


def member_of(group: str) -> AbstractBaseUser:
    """Make a member of staff who is in one group."""
    user = get_user_model().objects.create_user(group, password=PASSWORD, is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    return user
