"""The admin: what is stored has a page, what programs write is read-only, and a score says why."""

import pytest
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse

from strategies.models import Alias, ApiKey, Game, Player, Realm, Score, Strategy, StrategyVersion, Task
from strategies.tests.conftest import World, data_program

MODELS = [Alias, ApiKey, Game, Player, Realm, Score, Strategy, StrategyVersion, Task]
WRITTEN_BY_PROGRAMS = [Alias, Player, Score, StrategyVersion]


@pytest.fixture
def staff(world: World) -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("admin"))
    world.task("t1", world.strategy("Minutes <script>", data_program()))
    world.score("a" * 200, data={"minutes": 12, "note": "<script>alert(1)</script>"})
    return client


def url(model: type, page: str, *args: object) -> str:
    return reverse(f"admin:strategies_{model.__name__.lower()}_{page}", args=args)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_model_has_a_list_and_a_page(staff: Client, model: type) -> None:
    assert staff.get(url(model, "changelist")).status_code == 200
    row = model._default_manager.first()  # type: ignore[attr-defined]  # a model
    assert row is not None
    assert staff.get(url(model, "change", row.pk)).status_code == 200


@pytest.mark.parametrize("model", WRITTEN_BY_PROGRAMS, ids=lambda model: model.__name__)
def test_what_programs_write_nobody_edits(staff: Client, model: type) -> None:
    assert staff.get(url(model, "add")).status_code == 403
    row = model._default_manager.first()  # type: ignore[attr-defined]  # a model
    assert row is not None
    assert staff.post(url(model, "change", row.pk), {"points": 1000}).status_code == 403
    assert staff.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_a_stranger_sees_the_login(world: World) -> None:
    for path in (url(Score, "changelist"), url(StrategyVersion, "changelist"), reverse("search")):
        assert Client().get(path).status_code == 302


# ── Pages of games, tasks, players ───────────────────────────────────────────────────────────────
def test_a_players_page_shows_totals_by_task_and_game(staff: Client, world: World) -> None:
    world.score("ana", data={"minutes": 7})
    page = staff.get(url(Player, "change", Player.objects.get(external_id="ana").pk))

    figures = page.context["figures"]
    assert [(row.task.external_id, row.points_total) for row in figures["by_task"]] == [("t1", 7)]
    assert [(row.game.external_id, row.n_scores) for row in figures["by_game"]] == [("g1", 1)]
    assert len(figures["latest"]) == 1


def test_a_tasks_page_sums_its_slots_and_names_what_scores_it(staff: Client, world: World) -> None:
    world.score("ana", data={"minutes": 7})
    page = staff.get(url(Task, "change", Task.objects.get().pk))

    assert page.context["figures"]["points_total"] == 19
    assert page.context["figures"]["n_scores"] == 2
    assert "version 1" in page.content.decode()


def test_a_task_without_strategy_says_that_it_has_the_games(staff: Client, world: World) -> None:
    page = staff.get(url(Task, "change", world.task("plain").pk)).content.decode()
    assert "the game's" in " ".join(page.split())


# ── Keys and realms ──────────────────────────────────────────────────────────────────────────────
def make_key(staff: Client) -> str:
    form = {"realm": str(Realm.objects.get().pk), "name": "shop", "scopes": ["read", "score"]}
    return str(staff.post(url(ApiKey, "add"), form).context["key"])


def test_a_key_made_in_the_admin_is_shown_once_and_works(staff: Client, world: World) -> None:
    world.key = make_key(staff)

    assert world.get("/games").status_code == 200
    row = ApiKey.objects.get(name="shop")
    assert row.scopes == ["read", "score"]
    secret = world.key.split(".")[1]
    for path in (url(ApiKey, "change", row.pk), url(ApiKey, "changelist"), url(ApiKey, "history", row.pk)):
        assert secret not in staff.get(path).content.decode()


def test_a_key_is_revoked_after_a_question(staff: Client, world: World) -> None:
    world.key = make_key(staff)
    row = ApiKey.objects.get(name="shop")

    assert "cannot be undone" in staff.get(url(ApiKey, "revoke", row.pk)).content.decode()
    assert world.score("ana", data={"minutes": 1}).status_code == 201
    staff.post(url(ApiKey, "revoke", row.pk))

    assert world.score("ana", data={"minutes": 1}).status_code == 401
    assert "revoked" in staff.get(url(ApiKey, "change", row.pk)).content.decode()


@pytest.mark.parametrize(("status", "n"), [("active", 2), ("expired", 1), ("revoked", 1)])
def test_keys_are_listed_by_status(staff: Client, status: str, n: int) -> None:
    make_key(staff)
    for name, field in (("old", "expires_at"), ("gone", "revoked_at")):
        make_key(staff)
        ApiKey.objects.filter(name="shop").order_by("-id")[:1].get()
        ApiKey.objects.filter(pk=ApiKey.objects.latest("id").pk).update(
            **{"name": name, field: "2020-01-01T00:00Z"}
        )
    assert staff.get(url(ApiKey, "changelist"), {"status": status}).context["cl"].result_count == n


def test_masked_keys_are_written_one_a_line(staff: Client) -> None:
    realm = Realm.objects.get()
    form = {
        "slug": "acme",
        "name": "Acme",
        "time_zone": "UTC",
        "masked_data_keys": "email\r\n phone \r\n\r\nemail",
    }

    staff.post(url(Realm, "change", realm.pk), form)
    realm.refresh_from_db()
    assert realm.masked_data_keys == ["email", "phone"]

    answer = staff.post(url(Realm, "change", realm.pk), {**form, "masked_data_keys": "x" * 101})
    assert "longer than 100" in answer.content.decode()


# ── Search ───────────────────────────────────────────────────────────────────────────────────────
def test_what_one_thing_is_called_leads_to_its_page(staff: Client, world: World) -> None:
    score = Score.objects.get()
    places = {
        str(score.pk): url(Score, "change", score.pk),
        "a" * 200: url(Player, "change", score.player_id),
        "t1": url(Task, "change", score.task_id),
        "g1": url(Game, "change", world.game.pk),
        world.key.split(".")[0]: url(ApiKey, "change", ApiKey.objects.get().pk),
        score.request_id: reverse("request", args=(score.request_id,)),
    }
    for term, place in places.items():
        assert staff.get(reverse("search"), {"q": term}).headers["Location"] == place


def test_several_things_of_a_name_are_listed_and_none_is_said(staff: Client, world: World) -> None:
    world.score("t1", data={"minutes": 1})
    assert len(staff.get(reverse("search"), {"q": "t1"}).context["hits"]) == 2
    for term in ("nobody", "\0", "<script>"):
        page = staff.get(reverse("search"), {"q": term})
        assert page.status_code == 200
        assert "<script>alert" not in page.content.decode()


def test_a_task_made_in_the_admin_is_of_its_games_realm_and_by_no_other_realms_strategy(
    staff: Client, world: World, other_world: World
) -> None:
    form = {
        "external_id": "new",
        "game": str(world.game.pk),
        "status": "open",
        "variables": "{}",
        "params": "[]",
    }
    theirs = other_world.strategy("Theirs", data_program())

    refused = staff.post(url(Task, "add"), {**form, "strategy": str(theirs.pk)})
    assert "belongs to another realm" in refused.content.decode()
    staff.post(url(Task, "add"), form)
    assert Task.objects.get(external_id="new").realm == world.realm
