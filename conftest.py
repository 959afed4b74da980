"""What every test may use: the servers of this run, tools beyond Python, and the rule that CI skips nothing."""

import os
import shutil
from collections.abc import Iterator

import pytest
from django.conf import settings

from ops.local.testing import TestServers, test_servers

pytest_plugins = ["gameproject.tests.database"]

IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}


@pytest.fixture(scope="session")
def servers() -> Iterator[TestServers]:
    """Run PostgreSQL and Valkey, unless DATABASE_URL and REDIS_URL name others, for this run of pytest alone."""
    test_servers.start()
    yield test_servers
    test_servers.stop()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(servers: TestServers) -> None:
    """Start the servers for the first test that wants a database: pytest-django asks for this fixture then."""


@pytest.fixture(autouse=True)
def servers_where_marked(request: pytest.FixtureRequest) -> None:
    """Start the servers for a test that is marked `servers`: it uses Valkey, and no database."""
    if request.node.get_closest_marker("servers"):
        request.getfixturevalue("servers")


def pytest_configure() -> None:
    """Let pages name static files that `collectstatic` has not collected, and let a disk stall for a moment."""
    settings.SCORING_DEADLINE_SECONDS = 10.0  # the real one is for test_deadline.py
    settings.WHITENOISE_AUTOREFRESH = True
    settings.STORAGES["staticfiles"] = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip a test whose tool is missing on a developer's machine, and fail it in CI."""
    for mark in item.iter_markers("requires_tool"):
        for tool in mark.args:
            if shutil.which(tool) is None:
                (pytest.fail if IN_CI else pytest.skip)(f"the program {tool!r} is not installed")


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail a run in CI that skipped anything: a test that nobody runs proves nothing."""
    if IN_CI and _skipped(session.config) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say loudly what was not tested."""
    if n_skipped := _skipped(config):
        verdict = "in CI this is a failure" if IN_CI else "in CI this would be a failure"
        terminalreporter.write_line(f"NOT TESTED: {n_skipped} skipped; {verdict}.", red=True, bold=True)


def _skipped(config: pytest.Config) -> int:
    reporter = config.pluginmanager.get_plugin("terminalreporter")
    return len(reporter.stats.get("skipped", [])) if reporter else 0
