"""The audit trail as people see it: the admin's list, exports and page, the API, the command, the documentation."""

import csv
import io
import json
import re
from pathlib import Path

import pytest
from django.contrib.auth.models import Group, User
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from structlog.contextvars import bound_contextvars

from gameproject.lib import clock, looking
from gameproject.lib.ids import time_of
from gameproject.tests.database import without_triggers
from observability import audit
from observability.audit_events import EVENTS
from observability.models import Logs
from strategies import games, keys
from strategies.tests.conftest import World, make_world

LIST = "admin:observability_logs_changelist"
EXPORT = "admin:observability_logs_export"


@pytest.fixture
def auditor(world: World) -> Client:
    user = User.objects.create_user("audrey", is_staff=True)
    user.groups.add(Group.objects.get(name="auditor"))
    client = Client()
    client.force_login(user)
    return client


def changed(world: World) -> Logs:
    games.change_game(game=world.game, changes={"platform": "<b>web</b>"})
    return Logs.objects.get(event="game.changed")


def test_an_auditor_sees_who_did_what(world: World, auditor: Client) -> None:
    row = changed(world)
    answer = auditor.get(reverse(LIST), {"event": "game.changed", "realm": "acme"})
    assert "Changed the game g1." in answer.content.decode()
    page = auditor.get(reverse("admin:observability_logs_change", args=(row.pk,))).content.decode()
    assert "<del><bdi>test</bdi></del>" in page
    assert "<ins><bdi>&lt;b&gt;web&lt;/b&gt;</bdi></ins>" in page
    assert "verified" in page


@pytest.mark.parametrize("page", ["add", "change", "delete"])
def test_nobody_writes_to_it(world: World, page: str) -> None:
    row = changed(world)
    boss = Client()
    boss.force_login(User.objects.create_superuser("boss"))
    args = () if page == "add" else (row.pk,)
    url = reverse(f"admin:observability_logs_{page}", args=args)
    assert boss.post(url, {"message": "nothing", "post": "yes"}).status_code == 403


@pytest.mark.parametrize(
    ("filters", "n"),
    [
        ({}, 1),
        ({"event": "key.created"}, 0),
        ({"realm": "none"}, 0),
        ({"level": "error"}, 0),
        ({"level": "info"}, 1),
        ({"staff_user": "ana"}, 1),
        ({"staff_user": "eve"}, 0),
        ({"api_key": "0123456789ab"}, 1),
        ({"subject": "game:1"}, 1),
        ({"q": "r-1"}, 1),
        ({"q": "r-2"}, 0),
        ({"realm": "nowhere"}, 0),
        ({"since": "2000-01-01T00:00", "until": "2000-01-02T00:00"}, 0),
    ],
)
def test_the_list_is_cut_by(world: World, filters: dict[str, str], n: int) -> None:
    viewer = Client()
    viewer.force_login(User.objects.create_superuser("viewer"))
    with bound_contextvars(staff_user="ana", api_key="0123456789ab", request_id="r-1"):
        audit.record(
            event="game.changed",
            message="Marked for this test.",
            realm_id=world.realm.pk,
            module="tests",
            subject="game:1",
        )
    answer = viewer.get(reverse(LIST), filters)
    assert answer.status_code == 200
    assert answer.content.decode().count(">Marked for this test.<") == n


def exported(viewer: Client, chosen: str, **query: str) -> str:
    answer = viewer.post(reverse(EXPORT, query=query), {"format": chosen})
    assert answer.status_code == 200
    return b"".join(answer).decode()


def test_an_export_holds_what_the_filters_leave_and_no_formula(world: World, auditor: Client) -> None:
    games.change_game(game=world.game, changes={"platform": "=1+1"})
    with bound_contextvars(staff_user="=cmd"):
        games.change_game(game=world.game, changes={"platform": "web"})
    second, first = Logs.objects.filter(event="game.changed").order_by("-pk")

    lines = [json.loads(line) for line in exported(auditor, "jsonl", event="game.changed").splitlines()]
    assert [(line["id"], line["realm"]) for line in lines] == [
        (str(second.pk), "acme"),
        (str(first.pk), "acme"),
    ]
    assert lines[0]["details"] == second.details
    assert lines[0]["previous_hash"] == bytes(first.hash).hex()

    rows = list(csv.DictReader(io.StringIO(exported(auditor, "csv", event="game.changed"))))
    assert rows[0]["staff_user"] == "'=cmd"
    assert json.loads(rows[1]["details"])["after"] == {"platform": "=1+1"}
    assert exported(auditor, "jsonl", level="error") == ""


def test_an_export_is_itself_an_entry(world: World, auditor: Client) -> None:
    exported(auditor, "csv", event="key.created")
    row = Logs.objects.get(event="audit.exported")
    assert row.staff_user == "audrey"
    assert row.details == {"filters": {"event": "key.created"}, "format": "csv"}


def test_staff_without_a_group_may_not_export(world: World) -> None:
    client = Client()
    client.force_login(User.objects.create_user("nobody", is_staff=True))
    assert client.post(reverse(EXPORT), {"format": "csv"}).status_code == 403
    assert not Logs.objects.filter(event="audit.exported").exists()


def test_the_page_of_a_changed_row_says_broken(world: World, auditor: Client) -> None:
    row = changed(world)
    with without_triggers():
        Logs.objects.filter(pk=row.pk).update(message="Nothing happened.")
    page = auditor.get(reverse("admin:observability_logs_change", args=(row.pk,))).content.decode()
    assert "its hash is not that of what it says" in page


def test_the_pages_of_strategy_and_game_lead_to_their_rows(world: World, auditor: Client) -> None:
    strategy = world.strategy("Fast", {"type": "program", "rules": []} | _default())
    for row, kind in ((strategy, "strategy"), (world.game, "game")):
        page = auditor.get(reverse(f"admin:strategies_{kind}_change", args=(row.pk,))).content.decode()
        (link,) = re.findall(r'href="([^"]+)">What was done to it', page)
        assert f"subject={kind}:{row.pk}" in link
    assert (
        "Published version 1"
        in auditor.get(
            link.replace("&amp;", "&").replace(f"game:{world.game.pk}", f"strategy:{strategy.pk}")
        ).content.decode()
    )


def _default() -> dict[str, object]:
    return {
        "default": {"type": "assign_points", "value": {"type": "literal", "value": 1}, "case_name": "Done"}
    }


# ── API ──────────────────────────────────────────────────────────────────────────────────────────
def test_the_api_gives_the_key_s_own_realm_newest_first(world: World) -> None:
    other = make_world("other")
    world.post("/keys", {"name": "app", "scopes": ["score"]}, x_request_id="find-me")
    items = world.get("/logs").json()["items"]
    assert [item["event"] for item in items] == ["key.created", "key.created"]
    assert items[0]["sequence"] == 2
    assert items[0]["previousHash"] == items[1]["hash"]
    (found,) = world.get("/logs?requestId=find-me&event=key.created").json()["items"]
    assert found["actor"] == f"key {world.key.split('.')[0]}"
    assert len(other.get("/logs").json()["items"]) == 1
    first = world.get("/logs?limit=1").json()
    assert world.get(f"/logs?cursor={first['nextCursor']}").json()["items"] == items[1:]


def test_the_api_looks_for_an_event_at_so_many_entries_and_goes_on_from_there(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    games.change_game(game=world.game, changes={"platform": "web"})
    monkeypatch.setattr(looking, "MAX_LOOKED_AT_APART", 1)
    first = world.get("/logs?event=key.created").json()
    assert first["items"] == []
    assert first["lookedBackTo"] == clock.iso(time_of(Logs.objects.latest("pk").pk))
    second = world.get(f"/logs?event=key.created&cursor={first['nextCursor']}").json()
    assert [item["event"] for item in second["items"]] == ["key.created"]


@pytest.mark.parametrize(
    "query", ["event=tea.made", "color=red", "since=yesterday", "subject=%00", "limit=0"]
)
def test_the_api_refuses_what_it_does_not_understand(world: World, query: str) -> None:
    answer = world.get(f"/logs?{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "QUERY_INVALID")


def test_a_key_that_only_reads_is_refused(world: World) -> None:
    _row, world.key = keys.create_api_key(realm=world.realm, name="reader", scopes=["read"])
    assert world.get("/logs").status_code == 403


# ── Command and documentation ────────────────────────────────────────────────────────────────────
def test_the_command_is_content_with_what_is_sound(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    call_command("verify_audit_trail")
    assert "as they were written" in capsys.readouterr().out


def test_the_command_names_the_first_broken_row(world: World) -> None:
    row = changed(world)
    with without_triggers():
        Logs.objects.filter(pk=row.pk).update(staff_user="somebody")
    with pytest.raises(CommandError, match=rf"realm acme, row {row.sequence} \({row.pk}\): changed"):
        call_command("verify_audit_trail", "--realm", "acme")


def test_every_event_is_documented() -> None:
    page = (Path(__file__).parents[2] / "docs" / "audit.md").read_text()
    documented = dict(re.findall(r"^\| `([a-z_.]+)` \| (.+) \|$", page, re.MULTILINE))
    assert documented == dict(EVENTS)
