"""Secrets come from files or variables, and go into the URLs that lack them."""

from pathlib import Path

import pytest
from django.core.exceptions import ImproperlyConfigured

from gameproject.lib import env


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("TOKEN", "TOKEN_FILE", "URL"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_a_secret_is_in_its_variable_or_nowhere(variables: pytest.MonkeyPatch) -> None:
    assert env.secret("TOKEN") == ""
    variables.setenv("TOKEN", "s3cret")
    assert env.secret("TOKEN") == "s3cret"


def test_a_file_comes_before_the_variable_and_ends_with_a_newline_or_not(
    variables: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text("of-the-file\n")
    variables.setenv("TOKEN", "of-the-variable")
    variables.setenv("TOKEN_FILE", str(tmp_path / "token"))
    assert env.secret("TOKEN") == "of-the-file"


def test_a_file_that_cannot_be_read_stops_the_start_and_is_named(variables: pytest.MonkeyPatch) -> None:
    variables.setenv("TOKEN_FILE", "/nowhere/token")
    with pytest.raises(ImproperlyConfigured, match="TOKEN_FILE='/nowhere/token': No such file"):
        env.secret("TOKEN")


def test_what_is_required_may_be_in_a_file(variables: pytest.MonkeyPatch) -> None:
    with pytest.raises(ImproperlyConfigured, match="Set TOKEN"):
        env.require("TOKEN")
    variables.setenv("TOKEN_FILE", "/run/secrets/token")
    env.require("TOKEN")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("redis://redis:6379/0", "redis://:p%40%3A%2Fw@redis:6379/0"),
        ("rediss://user@redis:6379/0?a=b", "rediss://user:p%40%3A%2Fw@redis:6379/0?a=b"),
        ("redis://:known@redis:6379/0", "redis://:known@redis:6379/0"),
        ("", ""),
    ],
)
def test_a_password_goes_into_a_url_that_has_none(
    variables: pytest.MonkeyPatch, given: str, expected: str
) -> None:
    variables.setenv("URL", given)
    assert env.url("URL", password="p@:/w") == expected
    assert env.url("URL", password="") == given


@pytest.mark.parametrize(("given", "expected"), [("", "p@:/w"), (":known", "known")])
def test_so_does_that_of_the_database(variables: pytest.MonkeyPatch, given: str, expected: str) -> None:
    variables.setenv("URL", f"postgresql://role{given}@db:5432/name")
    assert env.database("URL", password="p@:/w")["PASSWORD"] == expected
