"""The author's pages: what each action does, who may, and what happens when it cannot be done."""

import json
import uuid
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from strategies import publishing
from strategies.models import Alias, Strategy
from strategies.tests.conftest import World, constant_program, data_program

OPERATIONS = ("rollback", "archive")


def staff(name: str, *permissions: str) -> Client:
    user = get_user_model().objects.create_user(name, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def author(world: World) -> Client:
    return staff("author", "view_strategy", "add_strategy", "change_strategy")


@pytest.fixture
def operator(world: World) -> Client:
    return staff("operator", "view_strategy", "operate_strategy")


@pytest.fixture
def auditor(world: World) -> Client:
    return staff("auditor", "view_strategy", "view_strategyversion")


def url(page: str, strategy: Strategy | None = None, **kwargs: object) -> str:
    name = f"admin:strategies_strategy_{page}"
    if page == "change" and strategy:
        return reverse(name, args=[strategy.pk])
    return reverse(name, kwargs={"pk": strategy.pk, **kwargs} if strategy else None)


def text_of(response: Any) -> str:
    return str(response.content.decode())


def said(response: Any) -> str:
    return " ".join(str(message) for message in response.context["messages"])


def new(world: World, **fields: object) -> dict[str, object]:
    form = {
        "name": "Five points",
        "description": "",
        "realm": str(world.realm.pk),
        "type": "DSL_FULL",
        "parent": "",
        "program": json.dumps(constant_program(5)),
        "new_id": str(uuid.uuid4()),
    }
    return form | fields


def draft_of(strategy: Strategy, points: float = 7) -> Strategy:
    publishing.edit_strategy(strategy=strategy, program=constant_program(points))
    return strategy


def number_in_production(strategy: Strategy) -> int:
    return Alias.objects.get(strategy=strategy).version.number


# ── Create ───────────────────────────────────────────────────────────────────────────────────────
def test_a_strategy_is_created_once_however_often_the_form_is_sent(author: Client, world: World) -> None:
    form = new(world)

    first = author.post(url("add"), form, follow=True)
    again = author.post(url("add"), form, follow=True)

    strategy = Strategy.objects.get(realm=world.realm)
    assert "Created five-points" in said(first)
    assert "sent twice" in said(again)
    assert again.redirect_chain[-1][0] == url("change", strategy)
    assert LogEntry.objects.get().object_id == str(strategy.pk)


def test_a_template_fills_the_form(author: Client) -> None:
    page = author.get(url("add"), {"template": "weekend_bonus"})

    assert page.context["form"]["type"].value() == "DSL_EXTEND"
    assert page.context["form"]["parent"].value() == "default"
    assert "WeekendBonus" in text_of(page)
    assert author.get(url("add"), {"template": "no-such"}).status_code == 200


BAD_PROGRAMS = {
    "syntax": ('{"type": "program",\n "rules": [}', "line 2, column 12"),
    "a double key": ('{"type": "program",\n "type": "program", "rules": []}', "occurs twice"),
    "NaN": ('{"type": NaN}', "NaN is not JSON"),
    "deep": ("[" * 100_000, "nested too deeply"),
    "deep but JSON": ("[" * 500 + "]" * 500, "DSL_LIMIT_DEPTH"),
    "huge": ('"' + "x" * 600_000 + '"', "more than"),
    "long number": ("9" * 5000, "A number is too long"),
    "control character": ('{"type": "pro\x01gram"}', "control character"),
    "escaped NUL": ('{"type": "program", "rules": [], "id": "a\\u0000"}', "DSL_TEXT"),
    "lone surrogate": ('{"type": "program", "rules": [], "id": "\\ud800"}', "DSL_TEXT"),
    "no program": ("[]", "DSL_SHAPE"),
    "a field that is none": (
        json.dumps(data_program()).replace("data.minutes", "user.height"),
        "DSL_FIELD_PATH_NOT_ALLOWED",
    ),
}


@pytest.mark.parametrize("name", BAD_PROGRAMS)
def test_what_is_no_program_is_explained_and_what_was_typed_stays(
    author: Client, world: World, name: str
) -> None:
    typed, expected = BAD_PROGRAMS[name]

    page = author.post(url("add"), new(world, program=typed))
    checked = author.post(url("check_new"), new(world, program=typed))

    assert page.status_code == checked.status_code == 200
    assert expected in text_of(page)
    assert page.context["form"]["program"].value() == typed
    assert checked.json()["problems"]
    assert not Strategy.objects.filter(realm=world.realm).exists()


def test_another_realms_parent_is_not_there(author: Client, world: World, other_world: World) -> None:
    theirs = other_world.strategy("Theirs", constant_program(1))
    extending = {"type": "DSL_EXTEND", "program": '{"type": "program", "rules": []}'}

    for name in (theirs.slug, str(theirs.pk)):
        page = author.post(url("add"), new(world, **extending, parent=name))
        assert "There is no such strategy" in text_of(page)
    assert not Strategy.objects.filter(realm=world.realm).exists()


@pytest.mark.parametrize("name", ["", "a\nb", "a\0b", "x" * 201])
def test_a_name_is_one_line(author: Client, world: World, name: str) -> None:
    page = author.post(url("add"), new(world, name=name))

    assert page.status_code == 200
    assert page.context["form"].errors["name"]


# ── Edit ─────────────────────────────────────────────────────────────────────────────────────────
def edit_form(page: Any, **fields: object) -> dict[str, object]:
    form = page.context["form"]
    opened = {bound.html_name: bound.value() or "" for bound in form}
    initial = {bound.html_initial_name: bound.value() or "" for bound in form}
    return {**opened, **initial, "base": page.context["base"], "do": "save", **fields}


def test_a_published_program_is_edited_as_the_next_draft(author: Client, world: World) -> None:
    strategy = world.strategy("Five points", constant_program(5))
    form = edit_form(author.get(url("edit", strategy)), program=json.dumps(constant_program(6)))

    page = author.post(url("edit", strategy), form, follow=True)

    assert "Saved the draft of version 2" in said(page)
    assert number_in_production(strategy) == 1
    assert strategy.versions.get(number=2).program == constant_program(6)


def test_another_authors_draft_is_shown_and_not_overwritten(author: Client, world: World) -> None:
    strategy = draft_of(world.strategy("Five points", constant_program(5)))
    mine = json.dumps(constant_program(9))
    form = edit_form(author.get(url("edit", strategy)), program=mine)
    draft_of(strategy, 8)

    refused = author.post(url("edit", strategy), form)

    assert "changed since you opened it" in text_of(refused)
    assert "assign 8 points" in text_of(refused)
    assert "assign 9 points" in text_of(refused)
    assert refused.context["form"]["program"].value() == mine
    assert strategy.versions.get(number=2).program == constant_program(8)

    author.post(url("edit", strategy), form | {"base": refused.context["base"]})
    assert strategy.versions.get(number=2).program == constant_program(9)


def test_only_what_was_changed_is_saved(author: Client, world: World) -> None:
    strategy = world.strategy("Five points", constant_program(5))
    form = edit_form(author.get(url("edit", strategy)), description="What it is for")
    Strategy.objects.filter(pk=strategy.pk).update(name="Named anew")

    author.post(url("edit", strategy), form)

    strategy.refresh_from_db()
    assert (strategy.name, strategy.description) == ("Named anew", "What it is for")


def test_an_invalid_edit_stays_in_the_form(author: Client, world: World) -> None:
    strategy = world.strategy("Five points", constant_program(5))
    typed = json.dumps(constant_program(5)).replace("assign_points", "asign_points")

    page = author.post(url("edit", strategy), edit_form(author.get(url("edit", strategy)), program=typed))

    assert "/default" in text_of(page)
    assert page.context["form"]["program"].value() == typed
    assert not strategy.versions.filter(published_at=None).exists()


def test_a_check_says_where_and_how_it_would_be_laid_out(author: Client, world: World) -> None:
    strategy = world.strategy("Five points", constant_program(5))
    good, bad = (
        json.dumps(constant_program(5)),
        '{"type": "program",\n"rules": [],\n"default": {"type": "x"}}',
    )

    answers = [
        author.post(url("check", strategy), {"program": program}).json() for program in (good, bad, "{")
    ]

    assert answers[0]["problems"] == []
    assert json.loads(answers[0]["formatted"]) == constant_program(5)
    assert [(each["pointer"], each["line"], each["column"]) for each in answers[1]["problems"]] == [
        ("/default", 3, 12)
    ]
    assert [(each["code"], each["line"]) for each in answers[2]["problems"]] == [("NOT_JSON", 1)]


def test_built_in_and_archived_strategies_are_not_edited(author: Client, world: World) -> None:
    builtin = Strategy.objects.get(realm=None, slug="default")
    archived = publishing.archive_strategy(strategy=world.strategy("Old", constant_program(1)))
    for strategy, reason in [(builtin, "built-in"), (archived, "archived")]:
        form = edit_form(author.get(url("edit", strategy)), program=json.dumps(constant_program(2)))
        assert reason in text_of(author.post(url("edit", strategy), form))
    assert builtin.versions.count() == archived.versions.count() == 1


# ── Publish, roll back, archive ──────────────────────────────────────────────────────────────────
def test_publishing_names_what_it_affects_and_happens_once(author: Client, world: World) -> None:
    strategy = draft_of(world.strategy("Five points", constant_program(5)))
    world.task("t9", strategy)
    asked = author.get(url("publish", strategy))
    form = {"digest": asked.context["preview"].version.digest}

    first = author.post(url("publish", strategy), form, follow=True)
    again = author.post(url("publish", strategy), form, follow=True)

    assert "g1 / t9" in text_of(asked)
    assert "assign 5 points" in text_of(asked)
    assert "assign 7 points" in text_of(asked)
    assert "Published version 2" in said(first)
    assert "no draft to publish" in said(again)
    assert number_in_production(strategy) == 2


def test_a_draft_that_changed_since_it_was_looked_at_is_not_published(author: Client, world: World) -> None:
    strategy = draft_of(world.strategy("Five points", constant_program(5)))
    digest = author.get(url("publish", strategy)).context["preview"].version.digest
    draft_of(strategy, 8)

    page = author.post(url("publish", strategy), {"digest": digest}, follow=True)

    assert "changed since you opened it" in said(page)
    assert number_in_production(strategy) == 1


def test_errors_block_publishing_and_ignored_overrides_warn(author: Client, world: World) -> None:
    program = data_program("secret") | {"variables": {"bonus": {"value": 1, "max": 5}}}
    strategy = world.strategy("Reads", constant_program(1))
    publishing.edit_strategy(strategy=strategy, program=program)
    world.task("t9", strategy, variables={"bonus": 9})
    assert "override bonus" in text_of(author.get(url("publish", strategy)))
    world.realm.masked_data_keys = ["secret"]
    world.realm.save()

    asked = author.get(url("publish", strategy))
    page = author.post(url("publish", strategy), {}, follow=True)

    assert "DSL_MASKED_FIELD" in text_of(asked)
    assert '<button class="button" type="submit">Publish' not in text_of(asked)
    assert "has problems" in said(page)
    assert number_in_production(strategy) == 1


def test_rolling_back_shows_the_way_and_is_harmless_twice(operator: Client, world: World) -> None:
    strategy = draft_of(world.strategy("Five points", constant_program(5)))
    publishing.publish_strategy(strategy=strategy)
    assert operator.get(url("rollback", strategy)).context["preview"] is None
    asked = operator.get(url("rollback", strategy), {"version": 1})

    first = operator.post(url("rollback", strategy), {"version": 1}, follow=True)
    again = operator.post(url("rollback", strategy), {"version": 1}, follow=True)

    assert "What changes from version 2 to version 1" in text_of(asked)
    assert "Version 1 scores from now on in place of version 2" in said(first)
    assert "in production already" in said(again)
    assert number_in_production(strategy) == 1


@pytest.mark.parametrize("number", ["3", "0", "-1", "x", "9" * 30, ""])
def test_rolling_back_to_no_version_is_refused(operator: Client, world: World, number: str) -> None:
    strategy = world.strategy("Five points", constant_program(5))

    for page in (
        operator.get(url("rollback", strategy), {"version": number}, follow=True),
        operator.post(url("rollback", strategy), {"version": number}, follow=True),
    ):
        assert "no such version" in said(page)


def test_archiving_names_the_users_and_stops_scoring(operator: Client, world: World) -> None:
    strategy = world.strategy("Five points", constant_program(5))
    world.task("t9", strategy)

    asked = operator.get(url("archive", strategy))
    first = operator.post(url("archive", strategy), follow=True)
    again = operator.post(url("archive", strategy), follow=True)

    assert "g1 / t9" in text_of(asked)
    assert "no longer scores" in said(first)
    assert "archived already" in said(again)
    assert world.score(task="t9").status_code == 409
    assert "Roll back" not in text_of(first)


def test_a_built_in_strategy_is_neither_rolled_back_nor_archived(operator: Client) -> None:
    builtin = Strategy.objects.get(realm=None, slug="default")
    for page in OPERATIONS:
        assert "built-in" in said(operator.post(url(page, builtin), {"version": 1}, follow=True))
    builtin.refresh_from_db()
    assert builtin.archived_at is None


# ── Clone, export, import ────────────────────────────────────────────────────────────────────────
def test_a_built_in_strategy_is_cloned_into_a_realm_once(author: Client, world: World) -> None:
    builtin = Strategy.objects.get(realm=None, slug="default")
    form = {"name": "Our own", "realm": str(world.realm.pk), "new_id": str(uuid.uuid4())}

    author.post(url("clone", builtin), form)
    again = author.post(url("clone", builtin), form, follow=True)

    assert "sent twice" in said(again)
    copy = Strategy.objects.get(realm=world.realm)
    assert copy.versions.get().digest == builtin.versions.latest("number").digest


def test_an_export_is_imported_again_as_a_draft(author: Client, world: World) -> None:
    strategy = world.strategy("Five points", constant_program(5))
    exported = author.get(url("export", strategy), {"version": 1})
    assert exported["Content-Disposition"] == 'attachment; filename="five-points-v1.json"'
    form = {"realm": str(world.realm.pk), "on_conflict": "rename", "new_id": str(uuid.uuid4())}

    page = author.post(
        url("import"), {**form, "file": SimpleUploadedFile("x.json", exported.content)}, follow=True
    )

    assert "five-points is taken" in said(page)
    assert Strategy.objects.get(slug="five-points-2").versions.get().program == constant_program(5)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ("", "not JSON"),
        ("{", "not JSON"),
        ("[" * 100_000, "nested too deeply"),
        ("[]", "object was expected"),
        ('{"name": 1}', "is required"),
        ('{"name": "x", "type": "BUILT_IN", "astJson": {}}', "cannot be imported"),
        ('{"name": "x", "astJson": {"type": "program"}}', "DSL_SHAPE"),
        ('{"name": "x\\u0000", "astJson": {}}', "VALUE_INVALID"),
    ],
)
def test_what_cannot_be_imported_is_explained_and_stays(
    author: Client, world: World, document: str, expected: str
) -> None:
    form = {"realm": str(world.realm.pk), "on_conflict": "rename", "new_id": str(uuid.uuid4())}

    page = author.post(url("import"), {**form, "document": document})

    assert expected in text_of(page)
    assert page.context["document"] == document
    assert not Strategy.objects.filter(realm=world.realm).exists()


# ── Difference ───────────────────────────────────────────────────────────────────────────────────
def test_two_versions_are_compared_in_words(auditor: Client, world: World) -> None:
    strategy = draft_of(world.strategy("Five points", constant_program(5)))

    page = text_of(auditor.get(url("difference", strategy), {"a": 1, "b": 2}))
    same = text_of(auditor.get(url("difference", strategy), {"a": 1, "b": 1}))

    assert "assign 5 points, case Done" in page
    assert "assign 7 points, case Done" in page
    assert "?a=2&amp;b=1" in page
    assert "No difference" in same


@pytest.mark.parametrize("query", [{}, {"a": "1"}, {"a": "x", "b": "²"}, {"a": 1, "b": 99}])
def test_a_difference_of_what_is_not_there_is_a_message(
    auditor: Client, world: World, query: dict[str, str]
) -> None:
    strategy = world.strategy("Five points", constant_program(5))

    page = auditor.get(url("difference", strategy), query, follow=True)

    assert "no such version" in said(page)
