"""The author's pages: who sees what, and what the list and the page of a strategy cost."""

import uuid

from django.test import Client
from pytest_django import DjangoAssertNumQueries

from strategies import publishing
from strategies.models import Strategy
from strategies.tests.conftest import World, constant_program
from strategies.tests.test_admin_strategies import (
    OPERATIONS,
    auditor,
    author,
    draft_of,
    operator,
    staff,
    text_of,
    url,
)

__all__ = ["auditor", "author", "operator"]


# ── Who may ──────────────────────────────────────────────────────────────────────────────────────
def test_an_auditor_looks_and_does_nothing(auditor: Client, world: World) -> None:
    strategy = draft_of(world.strategy("Five points", constant_program(5)))

    for page in ("edit", "publish", "clone", "rollback", "archive"):
        assert auditor.get(url(page, strategy)).status_code == 403
        assert auditor.post(url(page, strategy)).status_code == 403
    for page in ("add", "import", "check_new"):
        assert auditor.post(url(page)).status_code == 403
    assert auditor.post(url("check", strategy)).status_code == 403
    overview = text_of(auditor.get(url("change", strategy)))
    for word in ("Publish …", "Edit the draft", "Roll back …", "Archive …", "Clone …"):
        assert word not in overview
    assert auditor.get(url("version", strategy, number=2)).status_code == 200
    assert auditor.get(url("export", strategy)).status_code == 200


def test_authors_do_not_operate_and_operators_do_not_write(
    author: Client, operator: Client, world: World
) -> None:
    strategy = draft_of(world.strategy("Five points", constant_program(5)))

    assert {author.post(url(page, strategy)).status_code for page in OPERATIONS} == {403}
    assert {operator.post(url(page, strategy)).status_code for page in ("edit", "publish", "clone")} == {403}


def test_staff_without_any_permission_see_nothing(world: World) -> None:
    strategy = world.strategy("Five points", constant_program(5))
    nobody = staff("nobody")

    answers = [
        nobody.get(url("change", strategy)),
        nobody.get(url("version", strategy, number=1)),
        nobody.get(url("export", strategy)),
        nobody.get(url("difference", strategy), {"a": 1, "b": 1}),
    ]
    assert {answer.status_code for answer in answers} == {403}
    assert nobody.get(url("change", Strategy(pk=uuid.uuid4()))).status_code in {403, 404}


# ── The list and the page ────────────────────────────────────────────────────────────────────────
def test_the_list_says_what_each_is_and_who_uses_it(auditor: Client, world: World) -> None:
    strategy = draft_of(world.strategy("Five points", constant_program(5)))
    world.task("t9", strategy)
    publishing.archive_strategy(strategy=world.strategy("Old", constant_program(1)))

    page = text_of(auditor.get(url("changelist"), {"q": "five"}))
    assert "v1" in page
    assert "v2" in page
    assert "1\N{NO-BREAK SPACE}task" in page
    for status, n in [("published", 3), ("draft", 1), ("archived", 1)]:
        assert auditor.get(url("changelist"), {"status": status}).context["cl"].result_count == n
    assert "No strategy here" in text_of(auditor.get(url("changelist"), {"q": "nothing"}))
    assert auditor.get(url("changelist"), {"q": "\0"}).status_code == 200


def test_the_list_takes_few_queries_however_many_there_are(
    auditor: Client, world: World, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for n in range(30):
        world.strategy(f"Strategy {n}", constant_program(n))
    auditor.get(url("changelist"))
    with django_assert_max_num_queries(8):
        assert auditor.get(url("changelist")).status_code == 200


def test_the_page_takes_few_queries_however_much_rests_on_it(
    auditor: Client, world: World, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    program = constant_program(5) | {"variables": {"bonus": {"value": 1, "max": 5}}}
    strategy = world.strategy("Five points", program)
    for n in range(25):
        publishing.edit_strategy(strategy=strategy, program=program | {"id": f"n{n}"})
        publishing.publish_strategy(strategy=strategy)
        world.task(f"task-{n}", strategy, variables={"bonus": n})
    auditor.get(url("change", strategy))
    with django_assert_max_num_queries(17):
        page = text_of(auditor.get(url("change", strategy)))

    assert "task-24" in page
    assert "ignored" in page
    assert "v6<" not in page
    assert "v6<" in text_of(auditor.get(url("change", strategy), {"all": ""}))


def test_the_page_tells_what_was_done(author: Client, operator: Client, world: World) -> None:
    strategy = draft_of(world.strategy("Five points", constant_program(5)))
    author.post(url("publish", strategy))
    operator.post(url("rollback", strategy), {"version": 1})

    page = text_of(operator.get(url("change", strategy)))

    assert "Published version 2" in page
    assert "Version 1 scores from now on" in page
    assert "operator" in page
