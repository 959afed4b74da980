"""Log-ins, refusals, changed staff and changed settings reach the audit trail, and nobody makes it grow at will."""

import threading
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Group, User
from django.db import connection, transaction
from django.test import Client
from django.urls import reverse

from gameproject.lib import clock
from observability import refusals, settings_audit
from observability.models import Logs, RefusalCount
from observability.tests.audited import only, written_by
from strategies.tests.conftest import World, make_world

pytestmark = pytest.mark.django_db(transaction=True)  # a request begins with a connection of its own
PASSWORD = "a-long-one-for-tests"  # of a database that lives for one test


@pytest.fixture
def boss(transactional_db: None) -> Client:
    client = Client()
    client.force_login(User.objects.create_superuser("boss", password=PASSWORD))
    return client


# ── Log-ins ──────────────────────────────────────────────────────────────────────────────────────
def test_a_log_in_and_a_log_out_name_who_it_was() -> None:
    User.objects.create_superuser("ana", password=PASSWORD)
    client = Client()
    form = {"username": "ana", "password": PASSWORD}
    (row,) = written_by(lambda: client.post(reverse("admin:login"), form))
    assert (row.event, row.staff_user, row.realm_id) == ("login.succeeded", "ana", None)
    (row,) = written_by(lambda: client.post(reverse("admin:logout")))
    assert (row.event, row.staff_user) == ("logout", "ana")


def test_a_failed_log_in_is_counted_by_address_and_not_by_what_was_typed() -> None:
    form = {"username": "ana", "password": "my password"}
    assert written_by(lambda: Client().post(reverse("admin:login"), form, REMOTE_ADDR="10.0.0.9")) == []
    counted = RefusalCount.objects.get()
    assert (counted.event, counted.source, counted.n) == ("login.failed", "10.0.0.9", 1)


def test_only_a_minute_that_is_over_becomes_a_row_and_a_thousand_refusals_become_one() -> None:
    this_minute = clock.now().replace(second=0, microsecond=0)
    for minutes, n in ((-1, 1000), (2, 7)):  # two minutes ahead: it cannot end while this runs
        RefusalCount.objects.create(
            minute=this_minute + timedelta(minutes=minutes), event="login.failed", source="10.0.0.9", n=n
        )

    row = only(refusals.record_finished_minutes)

    assert (row.event, row.level, row.details["n"]) == ("login.failed", "warning", 1000)
    assert row.message == "Failed log-ins: 1000 by 10.0.0.9."
    assert RefusalCount.objects.get().n == 7


def test_beyond_fifty_sources_a_minute_all_others_are_one() -> None:
    with transaction.atomic():  # in which now() stands still
        for n in range(80):
            refusals.count("login.failed", f"10.0.1.{n}")
        refusals.count("login.failed", "10.0.1.0")
    assert RefusalCount.objects.count() == refusals.MAX_SOURCES + 1
    assert RefusalCount.objects.get(source="others").n == 30
    assert RefusalCount.objects.get(source="10.0.1.0").n == 2


def test_behind_a_proxy_the_proxy_s_word_counts(settings: pytest.FixtureRequest) -> None:
    form = {"username": "ana", "password": "x"}
    header: dict[str, Any] = {"HTTP_X_FORWARDED_FOR": "1.2.3.4, 10.0.0.7", "REMOTE_ADDR": "10.0.0.1"}
    Client().post(reverse("admin:login"), form, **header)
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")  # type: ignore[attr-defined]  # pytest-django's
    Client().post(reverse("admin:login"), form, **header)
    assert set(RefusalCount.objects.values_list("source", flat=True)) == {"10.0.0.1", "10.0.0.7"}


# ── Denied access ────────────────────────────────────────────────────────────────────────────────
def test_a_key_that_asks_for_another_realm_s_game_is_counted(world: World) -> None:
    other = make_world("other")
    prefix = world.key.split(".")[0]
    assert world.get(f"/games/{world.game.pk}").status_code == 200
    assert world.get("/games/not-there").status_code == 404
    assert not RefusalCount.objects.exists()

    assert world.get(f"/games/{other.game.pk}").status_code == 404

    counted = RefusalCount.objects.get()
    assert (counted.event, counted.source, counted.n) == ("access.denied", f"key {prefix}", 1)


def test_a_member_of_staff_who_may_not_is_counted(world: World) -> None:
    client = Client()
    client.force_login(User.objects.create_user("eve", password=PASSWORD, is_staff=True))
    assert client.get(reverse("admin:strategies_score_changelist")).status_code == 403
    assert RefusalCount.objects.get().source == "staff eve"


# ── Staff ────────────────────────────────────────────────────────────────────────────────────────
def test_what_a_new_group_lets_somebody_do_is_in_the_row(boss: Client) -> None:
    ana = User.objects.create_user("ana", password=PASSWORD)
    group = Group.objects.get(name="operator")
    form = {
        "username": "ana",
        "is_active": "on",
        "groups": str(group.pk),
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00:00",
    }
    url = reverse("admin:auth_user_change", args=(ana.pk,))
    row = only(lambda: boss.post(url, form))
    assert (row.event, row.staff_user, row.subject) == ("user.changed", "boss", f"user:{ana.pk}")
    assert row.details == {"before": {"groups": []}, "after": {"groups": ["operator"]}}


def test_a_set_password_is_told_and_not_shown(boss: Client) -> None:
    ana = User.objects.create_user("ana", password=PASSWORD)
    url = reverse("admin:auth_user_password_change", args=(ana.pk,))
    form = {"usable_password": "true", "password1": "zxc-4711-qwe", "password2": "zxc-4711-qwe"}
    row = only(lambda: boss.post(url, form))
    assert row.message == "Changed the password of the user ana."
    assert "zxc" not in row.details_json


def test_made_and_deleted_groups_are_rows(boss: Client) -> None:
    row = only(lambda: boss.post(reverse("admin:auth_group_add"), {"name": "night shift"}))
    assert row.details["after"] == {"name": "night shift", "permissions": []}
    group = Group.objects.get(name="night shift")
    row = only(lambda: boss.post(reverse("admin:auth_group_delete", args=(group.pk,)), {"post": "yes"}))
    assert (row.event, row.message) == ("group.changed", "Deleted the group night shift.")


# ── Settings ─────────────────────────────────────────────────────────────────────────────────────
def test_only_changed_settings_leave_a_row_and_secrets_none_of_their_text() -> None:
    first = {**settings_audit.fingerprint(), "DEBUG": False}
    assert only(lambda: settings_audit.record_changed_settings("web", first)).message == "web started first."
    assert written_by(lambda: settings_audit.record_changed_settings("web", first)) == []

    second = {**first, "LOG_LEVEL": "DEBUG", "METRICS_TOKEN": "scrypt:0000"}
    row = only(lambda: settings_audit.record_changed_settings("web", second))

    after = row.details["after"]
    assert isinstance(after, dict)
    assert after["LOG_LEVEL"] == "DEBUG"
    assert set(after) == {"LOG_LEVEL", "METRICS_TOKEN"}
    assert written_by(lambda: settings_audit.record_changed_settings("web", second)) == []


def test_no_secret_s_text_is_in_the_fingerprint(settings: pytest.FixtureRequest) -> None:
    settings.SECRET_KEY = "hush-hush"  # type: ignore[attr-defined]  # pytest-django's
    settings.REDIS_URL = "redis://:hush-hush@host/0"  # type: ignore[attr-defined]  # pytest-django's
    assert "hush-hush" not in repr(settings_audit.fingerprint())


def test_of_eight_processes_that_start_at_once_one_writes() -> None:
    found = settings_audit.fingerprint()

    def start() -> None:
        settings_audit.record_changed_settings("web", found)
        connection.close()

    threads = [threading.Thread(target=start) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert Logs.objects.filter(event="settings.changed").count() == 1


def test_the_clock_of_the_database_dates_a_row(boss: Client) -> None:
    with time_machine.travel("2001-01-01", tick=False):
        row = only(lambda: boss.post(reverse("admin:auth_group_add"), {"name": "late"}))
    assert row.created_at.year > 2020
