"""The admin: every model is there, what programs write is read-only, and a score says why."""

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth import get_user_model
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from strategies.models import ApiKey, Realm, Score, StrategyVersion
from strategies.tests.conftest import World, data_program

MODELS = list(apps.get_app_config("strategies").get_models())
WRITTEN_BY_PROGRAMS = {
    "alias",
    "player",
    "playergamestats",
    "playertaskstats",
    "score",
    "strategy",
    "strategyversion",
    "taskstats",
}


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
    if row is not None:
        assert staff.get(url(model, "change", row.pk)).status_code == 200


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_what_programs_write_nobody_edits(staff: Client, model: type) -> None:
    if model.__name__.lower() in WRITTEN_BY_PROGRAMS:
        assert_read_only(staff, model)
    else:
        assert staff.get(url(model, "add")).status_code == 200


def assert_read_only(staff: Client, model: type) -> None:
    assert staff.get(url(model, "add")).status_code == 403
    row = model._default_manager.first()  # type: ignore[attr-defined]  # a model
    assert row is not None
    assert staff.post(url(model, "change", row.pk), {"points": 1000}).status_code == 403
    assert staff.post(url(model, "delete", row.pk), {"post": "yes"}).status_code == 403


def test_every_registered_model_is_ours_or_djangos() -> None:
    assert set(MODELS) <= set(admin.site._registry)


def test_a_scores_page_says_why_and_escapes_what_it_shows(staff: Client) -> None:
    score = Score.objects.get()

    page = staff.get(url(Score, "change", score.pk)).content.decode()

    assert "Reproduced" in page
    assert "12 points, case Counted" in page
    assert "data.minutes" in page
    assert "<script>alert(1)</script>" not in page


def test_scores_are_found_by_id_and_by_request(staff: Client) -> None:
    score = Score.objects.get()
    for term, n in [(str(score.pk), 1), (score.request_id, 1), ("nothing", 0), ("\0", 1)]:
        page = staff.get(url(Score, "changelist"), {"q": term})
        assert page.status_code == 200
        assert page.context["cl"].result_count == n


def test_the_list_of_scores_takes_few_queries(
    staff: Client, world: World, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for n in range(30):
        world.score(f"player-{n}", data={"minutes": n})
    with django_assert_max_num_queries(8):
        assert staff.get(url(Score, "changelist")).status_code == 200


def test_a_key_made_in_the_admin_is_shown_once_and_works(staff: Client, world: World) -> None:
    form = {"realm": str(Realm.objects.get().pk), "name": "shop", "scopes": "read,score"}

    page = staff.post(url(ApiKey, "add"), form, follow=True)

    shown = [str(message) for message in page.context["messages"] if "shown only now" in str(message)]
    world.key = shown[0].split()[-1]
    assert world.get("/games").status_code == 200
    row = ApiKey.objects.get(name="shop")
    assert world.key not in staff.get(url(ApiKey, "change", row.pk)).content.decode()


def test_a_stranger_sees_the_login(world: World) -> None:
    for model in (Score, StrategyVersion):
        assert Client().get(url(model, "changelist")).status_code == 302
