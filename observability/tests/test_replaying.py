"""What is stored of a run is enough to run it again, months later, to the same end."""

import random
from collections import Counter

import pytest
from pytest_django import Settings
from redis import Redis

from observability import observer, replaying
from observability.metrics import LOG_OFFERED
from observability.models import Logs, StrategyExecutionLog
from observability.tests.kept import store_what_waits
from strategies import publishing
from strategies.models import Strategy
from strategies.tests.conftest import World, constant_program, data_program
from strategies.tests.test_explain import example_strategies, override_and_republish, random_event
from strategies.throttling import Pace


@pytest.fixture
def minutes(world: World) -> World:
    world.task("t1", world.strategy("Minutes", data_program()))
    return world


def one(redis: Redis) -> StrategyExecutionLog:
    store_what_waits(redis)
    return StrategyExecutionLog.objects.latest("pk")


def test_a_thousand_random_executions_are_all_reproduced(
    world: World, redis: Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(observer, "ERRORS_A_SECOND", Pace(seconds_each=1 / 10_000, burst=10_000))
    random_ = random.Random(11)
    world.realm.masked_data_keys = ["email"]
    world.realm.save()
    strategies = [*example_strategies(world), world.strategy("Minutes", data_program())]
    tasks = [world.task(f"t{n}", strategy).external_id for n, strategy in enumerate(strategies)]
    for n in range(1000):
        if n % 100 == 50:
            override_and_republish(world, random_)
            settings.DSL_EXECUTION_LOG_TRACE_LIMIT = random_.choice([3, 200])
        data = {**random_event(random_), "email": f"player-{n}@example.org"}
        if random_.random() < 0.3:
            data["minutes"] = random_.choice(["many", True, [1]])
        world.score(f"player-{random_.randrange(30)}", random_.choice(tasks), data=data)
    store_what_waits(redis)

    stored = list(StrategyExecutionLog.objects.all())
    replays = [replaying.compare(execution, execution.strategy_version) for execution in stored]

    assert [replay.differences for replay in replays if replay.verdict != "same"] == []
    assert len(replays) == 1000
    assert Counter(execution.is_error for execution in stored)[True] > 50
    assert sum(execution.n_cut > 0 for execution in stored) > 100
    assert all(execution.data["email"].startswith("sha256:") for execution in stored)
    assert len({execution.strategy_version_id for execution in stored}) > len(strategies)


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("points", {"points": 13}),
        ("outcome", {"outcome": "veto"}),
        ("caseName", {"case_name": "Other"}),
        ("nodes", {"nodes": 99}),
        ("points", {"data": {"minutes": 13}}),
        ("trace", {"trace": [{"n": 0, "value": 13}]}),
        ("status", {"status": "limit", "code": "DSL_CALLBACK_TOO_LARGE"}),
    ],
)
def test_what_was_altered_is_not_reproduced(
    minutes: World, redis: Redis, name: str, changed: dict[str, object]
) -> None:
    minutes.score(data={"minutes": 12})
    execution = one(redis)
    assert replaying.compare(execution, execution.strategy_version).verdict == "same"

    for field, value in changed.items():
        setattr(execution, field, value)
    replay = replaying.compare(execution, execution.strategy_version)

    assert replay.verdict == "different"
    assert name in {difference.name for difference in replay.differences}


def test_a_failed_run_fails_again_at_the_same_node(minutes: World, redis: Redis) -> None:
    minutes.score(data={"minutes": "many"})
    execution = one(redis)
    replay = replaying.compare(execution, execution.strategy_version)

    assert replay.verdict == "same"
    assert replay.run.result["code"] == "DSL_ASSIGN_POINTS_NOT_NUMBER"
    assert replay.run.result["path"] == execution.path
    execution.node_id = "elsewhere"
    assert replaying.compare(execution, execution.strategy_version).verdict == "different"


def draft(strategy: Strategy, program: dict[str, object]) -> int:
    return publishing.edit_strategy(strategy=strategy, program=program).number


def test_a_draft_shows_what_it_would_have_given(minutes: World, redis: Redis) -> None:
    minutes.score(data={"minutes": 12})
    execution = one(redis)
    number = draft(execution.strategy, constant_program(3, "Flat"))

    replay = replaying.compare(execution, execution.strategy.versions.get(number=number))

    assert replay.verdict == "different"
    found = {each.name: (each.stored, each.replayed) for each in replay.differences}
    assert found == {"points": (12, 3), "caseName": ("Counted", "Flat")}


def test_another_version_that_gives_the_same_is_the_same(minutes: World, redis: Redis) -> None:
    minutes.score(data={"minutes": 12})
    execution = one(redis)
    number = draft(execution.strategy, {**data_program(), "id": "renamed"})
    assert replaying.compare(execution, execution.strategy.versions.get(number=number)).verdict == "same"


def test_a_replay_says_what_it_cannot_know(minutes: World, redis: Redis) -> None:
    minutes.realm.masked_data_keys = ["email"]
    minutes.realm.save()
    minutes.score(data={"minutes": 12, "email": "ana@example.org"})
    execution = one(redis)
    minutes.realm.masked_data_keys = []
    minutes.realm.save()
    by_mail = {**data_program("email"), "id": "by-mail"}
    number = draft(execution.strategy, by_mail)

    replay = replaying.compare(execution, execution.strategy.versions.get(number=number))

    assert replay.notes == ["Masked, and only known by a hash: data.email."]


def test_a_timeout_is_not_comparable(minutes: World, redis: Redis) -> None:
    minutes.score(data={"minutes": 12})
    execution = one(redis)
    execution.status, execution.code, execution.facts = "timeout", "DSL_TIMEOUT", {}

    replay = replaying.compare(execution, execution.strategy_version)

    assert replay.verdict == "not_comparable"
    assert "depends on the moment" in replay.notes[0]


def test_a_replay_is_written_down_and_is_no_traffic(minutes: World, redis: Redis) -> None:
    minutes.score(data={"minutes": 12})
    execution = one(redis)
    offered = LOG_OFFERED.labels("sampled")._value.get()

    replaying.replay(execution, execution.strategy_version)

    row = Logs.objects.get(event="execution.replayed")
    assert row.realm_id == execution.realm_id
    assert row.details["execution_id"] == str(execution.pk)
    assert LOG_OFFERED.labels("sampled")._value.get() == offered
    assert redis.llen("traces") == 0
    assert StrategyExecutionLog.objects.count() == 1
