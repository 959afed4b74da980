"""What players do in a session: tasks one after the other, with the data that each task's strategy reads. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Final

from strategies.demo.crowd import Person

JsonDict = dict[str, object]


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of a session, `after` its beginning."""

    person: Person
    task: str
    data: JsonDict
    session_key: str
    after: timedelta

    @property
    def game(self) -> str:
        return self.person.game.external_id


def _walk(draw: Random) -> JsonDict:
    return {"minutes": round(draw.lognormvariate(2.5, 0.5), 1)}


def _pothole(draw: Random) -> JsonDict:
    return {"priority_zone": draw.choice([0, 0, 0, 1]), "streak_days": draw.choice([0, 1, 1, 2, 3, 5, 12])}


def _air(draw: Random) -> JsonDict:
    pm25 = draw.choices([draw.lognormvariate(2.4, 0.6), 9999.0], weights=[99, 1])[0]
    return {"pm25": round(pm25, 1), "indoors": draw.random() < 0.2}


def _lesson(draw: Random) -> JsonDict:
    return {"words": draw.randint(5, 60), "minutes": draw.randint(2, 25)}


def _quiz(draw: Random) -> JsonDict:
    # Eleven of ten is a mistake of the application's, which the strategy vetoes.
    [correct] = draw.choices(range(2, 12), weights=[1, 2, 3, 4, 5, 6, 7, 8, 5, 0.4])
    return {"correct": correct, "of": 10}


# By task; those that are not here say how long they took.
DATA: Final[Mapping[str, Callable[[Random], JsonDict]]] = {
    "report-a-pothole": _pothole,
    "measure-the-air": _air,
    "finish-a-lesson": _lesson,
    "daily-quiz": _quiz,
}


def session(draw: Random, person: Person, key: str) -> Iterator[Happening]:
    """Yield what a player does from opening the application to closing it, in order."""
    after = timedelta()
    tasks = person.game.open_tasks
    # The first task of a game is the favourite one.
    weights = range(len(tasks) + 1, 1, -1)
    for _ in range(min(20, 1 + int(draw.expovariate(0.4)))):
        [task] = draw.choices(tasks, weights=weights)
        yield Happening(person, task, DATA.get(task, _walk)(draw), key, after)
        after += timedelta(seconds=draw.lognormvariate(3.6, 0.9))
