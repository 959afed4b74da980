"""One key or one player cannot take everything; what is refused is told which limit, and when to come again."""

import threading
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from strategies import keys, throttling
from strategies.models import ApiKey, Score
from strategies.models.tenancy import Scope
from strategies.tests.conftest import World
from strategies.throttling import Buckets, Limit


class Clock:
    """Seconds that pass when they are told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    timer = Clock()
    monkeypatch.setattr(throttling, "_keys", Buckets(timer))
    monkeypatch.setattr(throttling, "_players", Buckets(timer))
    return timer


@pytest.fixture
def throttled(world: World, clock: Clock) -> World:
    """3 requests at once, one a second; of one player 2 at once, one a second."""
    world.task("t1")
    _row, world.key = keys.create_api_key(
        realm=world.realm,
        name="throttled",
        scopes=Scope.values,
        key_rate=1,
        key_burst=3,
        player_rate=1,
        player_burst=2,
    )
    return world


def limit_hit(answer: Any) -> tuple[int, str, object]:
    error = answer.json()["error"]
    return answer.status_code, error["code"], error["params"]


# ── The bucket ───────────────────────────────────────────────────────────────────────────────────
def test_a_bucket_gives_its_burst_and_then_its_rate() -> None:
    clock = Clock()
    buckets, limit = Buckets(clock), Limit(per_second=20, burst=100)

    assert [buckets.take("ana", limit.pace) for _ in range(100)] == [0.0] * 100
    assert buckets.take("ana", limit.pace) == pytest.approx(1 / 20)
    assert buckets.take("ben", limit.pace) == 0.0, "another's bucket is full"

    clock.now += 1
    given = [buckets.take("ana", limit.pace) for _ in range(30)]
    assert given.count(0.0) == 20

    clock.now += 1000
    assert [buckets.take("ana", limit.pace) for _ in range(101)].count(0.0) == 100, "no more than its burst"


def test_over_a_long_time_a_bucket_gives_its_rate() -> None:
    clock = Clock()
    buckets, limit = Buckets(clock), Limit(per_second=7, burst=3)
    given = 0
    for _ in range(10_000):
        given += buckets.take("ana", limit.pace) == 0.0
        clock.now += 0.01

    assert given == pytest.approx(100 * 7 + 3, abs=1)


def test_a_refusal_costs_nothing_of_what_comes_next() -> None:
    clock = Clock()
    buckets, limit = Buckets(clock), Limit(per_second=1, burst=1)
    buckets.take("ana", limit.pace)
    for _ in range(100):
        wait = buckets.take("ana", limit.pace)
    clock.now += wait

    assert buckets.take("ana", limit.pace) == 0.0


def test_threads_together_get_no_more_than_the_burst() -> None:
    buckets, limit = Buckets(Clock()), Limit(per_second=1, burst=500)
    given: list[float] = []

    def take() -> None:
        given.extend(buckets.take("ana", limit.pace) for _ in range(500))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert given.count(0.0) == 500


def test_memory_is_bounded_by_what_the_last_seconds_have_touched() -> None:
    clock = Clock()
    buckets, limit = Buckets(clock, max_buckets=1000), Limit(per_second=20, burst=100)

    for n in range(50_000):
        buckets.take(n, limit.pace)
        clock.now += 0.01
        assert len(buckets) <= 1000

    spent = Limit(per_second=1, burst=1)
    buckets.take("busy", spent.pace)
    for n in range(900):
        buckets.take(-n - 1, limit.pace)
        clock.now += 0.0001
    assert buckets.take("busy", spent.pace) > 0, "one in use is kept while full ones go"


def test_more_in_use_than_memory_allows_lets_too_much_pass_rather_than_refuse() -> None:
    buckets, limit = Buckets(Clock(), max_buckets=10), Limit(per_second=1, burst=1)

    assert [buckets.take(n, limit.pace) for n in range(100)] == [0.0] * 100
    assert len(buckets) <= 10


# ── Over HTTP ────────────────────────────────────────────────────────────────────────────────────
def test_a_player_over_the_limit_is_429_and_the_next_player_is_not(throttled: World, clock: Clock) -> None:
    assert [throttled.score().status_code for _ in range(2)] == [201, 201]

    refused = throttled.score()

    assert limit_hit(refused) == (429, "THROTTLED", {"scope": "player", "perSecond": 1, "burst": 2})
    assert refused.headers["Retry-After"] == "1"
    clock.now += 1
    assert throttled.score("ben").status_code == 201
    clock.now += 1
    assert throttled.score().status_code == 201
    assert Score.objects.count() == 4


def test_a_key_over_its_limit_is_429_for_everything_it_asks(throttled: World, clock: Clock) -> None:
    assert throttled.score("ana").status_code == 201
    assert throttled.get("/games").status_code == 200
    assert throttled.score("ben").status_code == 201

    for refused in (throttled.score("eve"), throttled.get("/games"), throttled.post("/games", {})):
        assert limit_hit(refused) == (429, "THROTTLED", {"scope": "key", "perSecond": 1, "burst": 3})
        assert refused.headers["Retry-After"] == "1"
    clock.now += 3
    assert throttled.score("eve").status_code == 201


def test_a_players_limit_holds_through_all_keys_of_the_realm(throttled: World) -> None:
    for _ in range(2):
        throttled.score()
    _row, throttled.key = keys.create_api_key(
        realm=throttled.realm, name="second", scopes=Scope.values, player_rate=1, player_burst=2
    )

    assert limit_hit(throttled.score())[2] == {"scope": "player", "perSecond": 1, "burst": 2}


def test_players_of_the_same_name_in_two_realms_do_not_share(throttled: World, other_world: World) -> None:
    other_world.task("t1")
    _row, other_world.key = keys.create_api_key(
        realm=other_world.realm, name="throttled", scopes=Scope.values, player_rate=1, player_burst=2
    )
    for _ in range(2):
        throttled.score()

    assert throttled.score().status_code == 429
    assert other_world.score().status_code == 201


def test_a_key_without_limits_of_its_own_has_the_default(world: World, clock: Clock) -> None:
    world.task("t1")
    _row, world.key = keys.create_api_key(realm=world.realm, name="plain", scopes=Scope.values)

    statuses = [world.score().status_code for _ in range(101)]

    assert (statuses.count(201), statuses[-1]) == (100, 429)
    assert throttling.Limits(key=Limit(600, 1200), player=Limit(20, 100)) == throttling.DEFAULT


def test_a_rate_of_0_is_no_limit(world: World, clock: Clock) -> None:
    world.task("t1")
    assert {world.score().status_code for _ in range(150)} == {201}


def test_throttling_can_be_switched_off(throttled: World, settings: Settings) -> None:
    settings.THROTTLING_ENABLED = False
    assert {throttled.score().status_code for _ in range(10)} == {201}


def test_a_changed_limit_acts_once_a_request_has_passed(throttled: World, clock: Clock) -> None:
    throttled.score()
    ApiKey.objects.filter(name="throttled").update(key_rate=0, player_rate=0)
    throttled.score("ben")

    assert {throttled.score("ben").status_code for _ in range(10)} == {201}


def test_an_attempt_that_begins_again_is_counted_once(throttled: World, clock: Clock) -> None:
    throttled.score()
    ApiKey.objects.filter(name="throttled").update(name="throttled ")  # raises the epoch

    assert throttled.score("ben").status_code == 201, "began again with fresh caches"
    assert throttled.score("eve").status_code == 201
    assert throttled.score("joe").status_code == 429


def test_without_a_valid_key_nothing_is_counted(world: World, clock: Clock) -> None:
    world.key = "0" * 12 + "." + "x" * 43

    assert {world.get("/games").status_code for _ in range(5)} == {401}
    assert len(throttling._keys) == 0
