"""The list of scores, their pages, and taking one back."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from gameproject.lib import clock
from gameproject.lib.admin import keyset
from strategies.admin import score_filters
from strategies.models import PlayerGameStats, Score
from strategies.selectors import newest_scores
from strategies.tests.conftest import World, constant_program, data_program

LIST = "admin:strategies_score_changelist"


@pytest.fixture
def staff(world: World) -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("admin"))
    world.task("t1", world.strategy("Minutes", data_program()))
    world.task("t2", world.strategy("Constant", constant_program(3, "Flat")))
    return client


def listed(staff: Client, **query: str | int) -> list[Score]:
    return list(staff.get(reverse(LIST), query).context["cl"].result_list)


def page_of(score: Score) -> str:
    return reverse("admin:strategies_score_change", args=(score.pk,))


# ── The list ─────────────────────────────────────────────────────────────────────────────────────
def test_pages_go_back_and_forth_by_id(staff: Client, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keyset, "ROWS_A_PAGE", 2)
    for n in range(5):
        world.score(f"p{n}", data={"minutes": n})
    newest_first = list(Score.objects.order_by("-pk"))

    first = staff.get(reverse(LIST)).context["cl"]
    second = staff.get(reverse(LIST), {"before": first.slice.older}).context["cl"]
    third = staff.get(reverse(LIST), {"before": second.slice.older}).context["cl"]
    back = staff.get(reverse(LIST), {"after": third.slice.newer}).context["cl"]

    assert [*first.result_list, *second.result_list, *third.result_list] == newest_first
    assert list(back.result_list) == list(second.result_list)
    assert first.slice.count == "5"
    assert (first.slice.newer, third.slice.older) == (None, None)


def test_a_filter_without_index_looks_at_so_many_rows_and_offers_to_go_on(
    staff: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyset, "MAX_LOOKED_AT", 2)
    world.score("ana", task="t2")
    for n in range(3):
        world.score("ana", data={"minutes": n})

    first = staff.get(reverse(LIST), {"case": "Flat"}).context["cl"]
    assert list(first.result_list) == []
    assert first.slice.looked_to is not None
    further = staff.get(reverse(LIST), {"case": "Flat", "before": first.slice.older}).context["cl"]
    assert [score.case_name for score in further.result_list] == ["Flat"]


def test_more_than_a_page_are_counted_in_the_pages_own_order(
    staff: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without an order PostgreSQL began with the oldest of two million rows: 0.2 s in place of 0.01."""
    monkeypatch.setattr(keyset, "ROWS_A_PAGE", 2)
    monkeypatch.setattr(keyset, "MAX_COUNTED", 3)
    for n in range(5):
        world.score("ana", data={"minutes": n})

    with CaptureQueriesContext(connection) as queries:
        assert staff.get(reverse(LIST)).context["cl"].slice.count == "3+"
    (counting,) = [query["sql"] for query in queries if "COUNT" in query["sql"]]
    assert 'ORDER BY "strategies_score"."id" DESC LIMIT 4' in counting


def test_of_a_players_scores_the_newest_are_listed_and_no_more_rows_read(
    staff: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(score_filters, "MAX_OF_PLAYER", 3)
    for n in range(4):
        world.score("ana", data={"minutes": n})
        world.score("ana", task="t2")
    newest = list(Score.objects.order_by("-pk")[:3])

    assert listed(staff, player="ana") == newest
    assert listed(staff, q="ana") == newest
    player = newest[0].player
    assert list(newest_scores([player], 3)) == newest, "what is read is bounded too"
    assert list(newest_scores([player], 9)) == list(Score.objects.order_by("-pk"))


def test_scores_are_filtered_by_what_they_are(staff: Client, world: World) -> None:
    world.score("ana", data={"minutes": 1})
    world.score("bea", task="t2", isTest=True)
    flat, counted = Score.objects.order_by("-pk")

    for query in (
        {"task": "t2"},
        {"player": "bea"},
        {"case": "Flat"},
        {"is_test": "yes"},
        {"strategy": "constant"},
    ):
        assert listed(staff, **query) == [flat]
    assert listed(staff, task=str(counted.task_id)) == [counted]
    assert listed(staff, version=1, outcome="award", realm="acme", game="g1") == [flat, counted]
    assert listed(staff, version=2) == []


def test_a_name_that_is_not_there_is_said_beside_its_field(staff: Client, world: World) -> None:
    world.score("ana", data={"minutes": 1})
    page = staff.get(reverse(LIST), {"player": "nobody"})
    assert "There is no such player." in page.content.decode()
    assert listed(staff, player="nobody") == []


def test_a_span_of_time_is_the_last_day_unless_another_is_chosen(
    staff: Client, world: World, tamper: Any
) -> None:
    world.score("ana", data={"minutes": 1})
    score = Score.objects.get()
    tamper(str(score.pk), created_at=clock.now() - timedelta(days=3))

    assert listed(staff) == []
    assert listed(staff, span="all") == [score]
    today = clock.now().strftime("%Y-%m-%dT%H:%M")
    assert listed(staff, until=today, span="24h") == [score]
    assert listed(staff, since=today) == []


@pytest.mark.parametrize(
    "query", [{"before": "x"}, {"since": "soon"}, {"version": "9" * 30}, {"span": "year"}]
)
def test_nonsense_in_the_address_is_no_failure(staff: Client, query: dict[str, str]) -> None:
    assert staff.get(reverse(LIST), query).status_code == 200


def test_search_finds_exactly_and_at_all_times(staff: Client, world: World, tamper: Any) -> None:
    world.score("ana", key="once", data={"minutes": 1})
    score = Score.objects.get()
    tamper(str(score.pk), created_at=clock.now() - timedelta(days=300))

    for term in (str(score.pk), score.request_id, "once", "ana", " ana "):
        assert listed(staff, q=term) == [score]
    for term in ("nothing", "an", "\0", "'; --"):
        assert listed(staff, q=term) == []


def test_a_list_that_takes_too_long_says_so(
    staff: Client, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        keyset.KeysetChangeList, "_slice", lambda _: Score.objects.raw("SELECT pg_sleep(1) AS id")[0]
    )
    monkeypatch.setattr(keyset, "STATEMENT_TIMEOUT_SECONDS", 0.01)
    assert "took too long" in staff.get(reverse(LIST)).content.decode()


def test_the_list_takes_few_queries(
    staff: Client, world: World, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for n in range(12):
        world.score(f"player-{n}", data={"minutes": n})
    with django_assert_max_num_queries(8):
        assert len(listed(staff)) == 12


# ── The page ─────────────────────────────────────────────────────────────────────────────────────
def test_a_scores_page_says_why_and_escapes_what_it_shows(staff: Client, world: World) -> None:
    world.score("<b>ana", data={"minutes": 12, "note": "<script>alert(1)</script>"})

    page = staff.get(page_of(Score.objects.get())).content.decode()

    assert "Reproduced" in page
    assert "12 points, case Counted" in page
    assert "data.minutes" in page
    assert "<script>alert(1)</script>" not in page
    assert "<b>ana" not in page


def test_a_rule_that_did_not_hold_shows_the_values_that_decided(staff: Client, world: World) -> None:
    world.task("first", world.strategy("First", RULES))
    world.score("ana", task="first")
    world.score("ana", task="first")

    page = " ".join(staff.get(page_of(Score.objects.latest("pk"))).content.decode().split())

    assert "user.points_total 100 == 0 is false" in page
    assert "did not hold" in page


RULES = {
    "type": "program",
    "rules": [
        {
            "type": "rule",
            "when": {
                "type": "compare",
                "op": "==",
                "left": {"type": "field", "path": "user.points_total"},
                "right": {"type": "literal", "value": 0},
            },
            "then": [
                {"type": "assign_points", "value": {"type": "literal", "value": 100}, "case_name": "First"}
            ],
        }
    ],
    "default": {"type": "assign_points", "value": {"type": "literal", "value": 1}, "case_name": "Again"},
}


def test_a_score_that_was_tampered_with_is_not_reproduced(staff: Client, world: World, tamper: Any) -> None:
    world.score("ana", data={"minutes": 12})
    tamper(str(Score.objects.get().pk), points=1000)
    assert "Not reproduced" in staff.get(page_of(Score.objects.get())).content.decode()


def test_no_score_is_there_by_another_name(staff: Client) -> None:
    for pk in ("nothing", "00000000-0000-0000-0000-000000000000"):
        assert staff.get(reverse("admin:strategies_score_change", args=(pk,))).status_code == 404


def test_the_page_takes_few_queries(
    staff: Client, world: World, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    world.score("ana", data={"minutes": 12})
    staff.get(page_of(Score.objects.get()))  # the program is in the cache then
    with django_assert_max_num_queries(7):
        staff.get(page_of(Score.objects.get()))


# ── Taking back ──────────────────────────────────────────────────────────────────────────────────
def take_back(staff: Client, score: Score, reason: str = "a test of the app", **headers: str) -> Any:
    path = reverse("admin:strategies_score_take_back", args=(score.pk,))
    return staff.post(path, {"reason": reason}, follow=True, headers=headers)


def test_a_score_is_taken_back_with_a_reason_under_the_requests_id(staff: Client, world: World) -> None:
    world.score("ana", data={"minutes": 12})
    score = Score.objects.get()

    page = take_back(staff, score, **{"X-Request-ID": "of-the-operator"}).content.decode()

    reversal = Score.objects.get(reverses=score)
    assert reversal.points == -12
    assert (reversal.reason, reversal.request_id) == ("a test of the app", "of-the-operator")
    assert PlayerGameStats.objects.get().points_total == 0
    assert f"{reversal.pk}" in page
    assert f"{score.pk}" in staff.get(page_of(reversal)).content.decode()


def test_a_score_is_taken_back_once_and_never_without_a_reason(staff: Client, world: World) -> None:
    world.score("ana", data={"minutes": 12})
    score = Score.objects.get()

    assert "This field is required" in take_back(staff, score, reason=" ").content.decode()
    take_back(staff, score)
    assert "reversed already" in take_back(staff, score).content.decode()
    assert Score.objects.filter(reverses=score).count() == 1
