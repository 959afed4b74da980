"""One player's events are scored one after the other; one key makes one score."""

from pytest_django import Settings

from gameproject.tests.production_client import ProductionClient
from strategies.models import PlayerGameStats, Score
from strategies.tests.conftest import FIRST_TIME_BONUS, World, constant_program
from strategies.tests.threads import at_once


def own_client(world: World) -> World:
    return World(world.realm, world.key, world.game, ProductionClient(raise_request_exception=False))


def test_fifty_first_events_over_two_tasks_pay_the_first_time_bonus_once(
    world: World, settings: Settings
) -> None:
    settings.SCORING_DEADLINE_SECONDS = 30
    strategy = world.strategy("First time", FIRST_TIME_BONUS)
    world.task("t1", strategy)
    world.task("t2", strategy)

    answers = at_once(50, lambda n: own_client(world).score(task="t1" if n % 2 else "t2"))

    assert [answer.status_code for answer in answers] == [201] * 50
    cases = [answer.json()["caseName"] for answer in answers]
    assert cases.count("FirstTime") == 1
    assert Score.objects.count() == 50
    assert PlayerGameStats.objects.get().points_total == 100 + 49
    assert sum(answer.json()["isACreatedUser"] for answer in answers) == 1


def test_thirty_two_posts_with_one_key_make_one_score_and_equal_answers(
    world: World, settings: Settings
) -> None:
    settings.SCORING_DEADLINE_SECONDS = 30
    world.task("t1", world.strategy("Five", constant_program(5)))

    answers = at_once(32, lambda _: own_client(world).score(key="same"))

    assert Score.objects.count() == 1
    assert sorted(answer.status_code for answer in answers) == [200] * 31 + [201]
    bodies = [answer.json() for answer in answers]
    assert [body.pop("replayed") for body in bodies].count(False) == 1
    assert all(body == bodies[0] for body in bodies)


def test_one_key_for_many_players_at_once_scores_one_of_them(world: World, settings: Settings) -> None:
    settings.SCORING_DEADLINE_SECONDS = 30
    world.task("t1", world.strategy("Five", constant_program(5)))

    answers = at_once(16, lambda n: own_client(world).score(f"player-{n}", key="same"))

    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 15
    assert {answer.json()["error"]["code"] for answer in answers if answer.status_code == 409} == {
        "IDEMPOTENCY_KEY_REUSED"
    }
    assert Score.objects.count() == 1


def test_many_players_on_one_task_lose_no_count(world: World, settings: Settings) -> None:
    settings.SCORING_DEADLINE_SECONDS = 30
    world.task("t1", world.strategy("Five", constant_program(5)))

    def several(n: int) -> list[int]:
        client = own_client(world)
        return [client.score(f"player-{n}-{i % 2}").status_code for i in range(5)]

    answers = at_once(20, several)

    assert {status for statuses in answers for status in statuses} == {201}
    from strategies.models import TaskStats

    assert sum(TaskStats.objects.values_list("n_scores", flat=True)) == 100
    assert sum(TaskStats.objects.values_list("points_total", flat=True)) == 500
