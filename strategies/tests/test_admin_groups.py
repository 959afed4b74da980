"""What each group of staff sees in the admin, may do, and may not."""

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from strategies.models import ApiKey, Game, Realm, Score, Task
from strategies.tests.conftest import World, data_program

GROUPS = ["auditor", "author", "operator"]
# An address, and who may go there; everybody else gets a 403.
PAGES: dict[str, set[str]] = {
    "score_changelist": {"auditor", "author", "operator"},
    "strategy_changelist": {"auditor", "author", "operator"},
    "apikey_changelist": {"auditor", "author", "operator"},
    "player_changelist": {"auditor", "author", "operator"},
    "apikey_add": {"operator"},
    "game_add": {"author"},
    "task_add": {"author"},
    "realm_add": set(),
}


def member(group: str) -> Client:
    user = get_user_model().objects.create_user(group, is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def score(world: World) -> Score:
    world.task("t1", world.strategy("Minutes", data_program()))
    world.score("ana", data={"minutes": 12})
    return Score.objects.get()


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_sees_its_pages_and_no_others(world: World, group: str) -> None:
    client = member(group)
    answers = {page: client.get(reverse(f"admin:strategies_{page}")).status_code for page in PAGES}
    assert answers == {page: 200 if group in groups else 403 for page, groups in PAGES.items()}
    assert client.get(reverse("admin:auth_user_changelist")).status_code == 403


@pytest.mark.parametrize("group", GROUPS)
def test_a_group_opens_every_score_and_the_home_page(score: Score, group: str) -> None:
    client = member(group)
    assert client.get(reverse("admin:strategies_score_change", args=(score.pk,))).status_code == 200
    assert "Newest scores" in client.get("/admin/").content.decode()


@pytest.mark.parametrize(("group", "status"), [("auditor", 403), ("author", 403), ("operator", 302)])
def test_only_operators_take_scores_back(score: Score, group: str, status: int) -> None:
    client = member(group)
    page = client.get(reverse("admin:strategies_score_change", args=(score.pk,))).content.decode()
    assert ("Take back" in page) == (status == 302)
    path = reverse("admin:strategies_score_take_back", args=(score.pk,))
    assert client.post(path, {"reason": "why not"}).status_code == status
    assert Score.objects.filter(reverses=score).exists() == (status == 302)


@pytest.mark.parametrize(("group", "status"), [("auditor", 403), ("author", 403), ("operator", 302)])
def test_only_operators_revoke_keys(world: World, group: str, status: int) -> None:
    row = ApiKey.objects.get()
    path = reverse("admin:strategies_apikey_revoke", args=(row.pk,))
    assert member(group).post(path).status_code == status
    row.refresh_from_db()
    assert (row.revoked_at is not None) == (status == 302)


@pytest.mark.parametrize(("group", "status"), [("auditor", 403), ("author", 302), ("operator", 302)])
def test_authors_and_operators_change_games_and_tasks(score: Score, group: str, status: int) -> None:
    client = member(group)
    task = Task.objects.get()
    form: dict[str, Any] = {"external_id": "t1", "status": "closed", "variables": "{}", "params": "[]"}
    path = reverse("admin:strategies_task_change", args=(task.pk,))
    assert client.post(path, form).status_code == status
    task.refresh_from_db()
    assert task.status == ("closed" if status == 302 else "open")
    game = Game.objects.get()
    form = {
        "external_id": "g1",
        "strategy": game.strategy_id,
        "platform": "new",
        "variables": "{}",
        "params": "[]",
    }
    assert client.post(reverse("admin:strategies_game_change", args=(game.pk,)), form).status_code == status


@pytest.mark.parametrize("group", GROUPS)
def test_nobody_in_a_group_changes_a_realm(world: World, group: str) -> None:
    realm = Realm.objects.get()
    path = reverse("admin:strategies_realm_change", args=(realm.pk,))
    assert member(group).post(path, {"slug": "mine", "name": "x", "time_zone": "UTC"}).status_code == 403


def test_staff_without_a_group_are_told_whom_to_ask(world: World) -> None:
    client = Client()
    client.force_login(get_user_model().objects.create_user("new", is_staff=True))
    assert "Ask an administrator for a group" in client.get("/admin/").content.decode()
    assert client.get(reverse("admin:strategies_score_changelist")).status_code == 403


def test_migrate_makes_the_groups_again_and_keeps_what_they_were_given(transactional_db: None) -> None:
    Group.objects.get(name="auditor").delete()
    author = Group.objects.get(name="author")
    n_before = author.permissions.count()
    author.permissions.remove(author.permissions.first())  # type: ignore[arg-type]  # it has some

    call_command("migrate", verbosity=0)

    assert Group.objects.get(name="auditor").permissions.filter(codename="view_score").exists()
    assert author.permissions.count() == n_before
