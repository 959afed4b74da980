"""With two web processes under load, a change acts on every request that begins after it was answered."""

import threading
import time
from collections.abc import Callable
from typing import Self

import pytest

from gameproject.lib import clock
from gameproject.tests.conftest import Answer, Web
from strategies.models import ApiKey, Score
from strategies.tests.conftest import World, constant_program

N_CLIENTS = 6
N_CHANGES = 8


class Load:
    """Clients that score without a pause; each answer is kept with the time at which its request began."""

    def __init__(self, web: Web, world: World) -> None:
        self.answers: list[tuple[float, Answer]] = []
        self._web, self._world = web, world
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run, args=(n,)) for n in range(N_CLIENTS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        self.let_run()
        return self

    def __exit__(self, *_: object) -> None:
        self.let_run()
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def let_run(self, n: int = 60) -> None:
        """Wait until n more requests were answered."""
        wanted = len(self.answers) + n
        give_up = time.monotonic() + 20
        while len(self.answers) < wanted and time.monotonic() < give_up:
            time.sleep(0.002)

    def began_after(self, at: float) -> list[Answer]:
        return [answer for began, answer in self.answers if began > at]

    def _run(self, n: int) -> None:
        while not self._stop.is_set():
            began = time.monotonic()
            self.answers.append((began, self._web.score(self._world, f"player-{n}")))


def test_publishing_under_load(web: Web, world: World) -> None:
    world.task("t1", world.strategy("Points", constant_program(1)))
    published: list[tuple[float, int]] = []
    with Load(web, world) as load:
        for points in range(2, 2 + N_CHANGES):
            assert (
                web.api(
                    world, "PUT", "/strategies/custom/points", {"astJson": constant_program(points)}
                ).status
                == 200
            )
            assert web.api(world, "POST", "/strategies/custom/points/publish").status == 200
            published.append((time.monotonic(), points))
            load.let_run()

    assert {answer.status for _, answer in load.answers} == {201}
    for at, version in published:
        after = load.began_after(at)
        assert len(after) >= 60
        assert min(answer.body["version"] for answer in after) >= version
    assert Score.objects.count() == len(load.answers)


def archive(web: Web, world: World) -> None:
    assert web.api(world, "POST", "/strategies/custom/points/archive", {"force": True}).status == 200


def revoke(_web: Web, world: World) -> None:
    ApiKey.objects.filter(realm=world.realm).update(revoked_at=clock.now())


@pytest.mark.parametrize(("stop", "status"), [(archive, 409), (revoke, 401)])
def test_archiving_and_revoking_under_load(
    web: Web, world: World, stop: Callable[[Web, World], None], status: int
) -> None:
    world.task("t1", world.strategy("Points", constant_program(1)))

    with Load(web, world) as load:
        stop(web, world)
        at = time.monotonic()
        load.let_run()

    assert {answer.status for _, answer in load.answers} == {201, status}
    assert {answer.status for answer in load.began_after(at)} == {status}
    assert Score.objects.count() == sum(answer.status == 201 for _, answer in load.answers)
