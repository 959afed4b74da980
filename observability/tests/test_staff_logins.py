"""Guessing passwords is slowed down; who knows theirs is not."""

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from prometheus_client import REGISTRY
from pytest_django import Settings

from observability import staff_logins
from observability.models import RefusalCount
from strategies.throttling import Buckets

pytestmark = pytest.mark.django_db(transaction=True)  # a request begins with a connection of its own
PASSWORD = "a-long-one-for-tests"  # of a database that lives for one test
HERE, ELSEWHERE = "10.0.0.9", "10.0.0.10"


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Give every try a clock of the test's own."""
    seconds = [1000.0]
    monkeypatch.setattr(staff_logins, "tries", Buckets(lambda: seconds[0]))
    return seconds


@pytest.fixture(autouse=True)
def ana(now: list[float], settings: Settings) -> User:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # a hundred log-ins
    return User.objects.create_superuser("ana", password=PASSWORD)


def log_in(password: str, *, username: str = "ana", address: str = HERE) -> tuple[bool, str]:
    """Say whether it let one in, and what the page said."""
    form = {"username": username, "password": password}
    answer = Client().post(reverse("admin:login"), form, REMOTE_ADDR=address)
    return answer.status_code == 302, answer.content.decode()


def test_after_ten_wrong_passwords_the_right_one_must_wait(now: list[float]) -> None:
    assert not any(log_in("wrong")[0] for _ in range(10))

    is_in, said = log_in(PASSWORD)

    assert not is_in
    assert "Too many tries to log in. The next one is possible in 30 s." in said
    assert RefusalCount.objects.get().n == 11
    now[0] += 30
    assert log_in(PASSWORD)[0]


def test_nobody_is_locked_out_from_elsewhere() -> None:
    for _ in range(11):
        log_in("wrong", address=ELSEWHERE)

    assert not log_in(PASSWORD, address=ELSEWHERE)[0]
    assert log_in(PASSWORD)[0]


def test_letters_of_another_case_are_no_other_user_to_the_brake() -> None:
    for name in ("ana", "ANA") * 5:
        log_in("wrong", username=name)

    assert not log_in(PASSWORD)[0]


def test_who_gets_in_begins_anew() -> None:
    for _ in range(3):
        assert not any(log_in("wrong")[0] for _ in range(9))
        assert log_in(PASSWORD)[0]


def test_an_empty_password_in_between_begins_nothing_anew() -> None:
    for password in ("wrong", "") * 5:
        log_in(password)

    assert not log_in(PASSWORD)[0]


def test_what_is_refused_unread_is_counted_with_the_failed_ones() -> None:
    def n_refused() -> float:
        return REGISTRY.get_sample_value("scoring_auth_failures_total", {"method": "admin"}) or 0.0

    before = n_refused()
    for _ in range(12):
        log_in("wrong")

    assert n_refused() - before == RefusalCount.objects.get().n == 12


def test_one_password_for_many_users_is_slowed_down_too(now: list[float]) -> None:
    for n in range(60):
        log_in("wrong", username=f"user-{n}")

    assert not log_in(PASSWORD)[0]
    now[0] += 1
    assert log_in(PASSWORD)[0]
