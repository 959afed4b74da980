"""The players of the demo: named as people name themselves, few of them busy and most of them rarely seen.

Pure: the same seed gives the same crowd.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from random import Random
from typing import Final

from strategies.demo.catalogue import GAMES, DemoGame

FIRST: Final = (
    *("Ana", "Ben", "Chloé", "Diego", "Emre", "Fatima", "Giulia", "Håkon", "Inês", "Jürgen", "Kwame"),
    *("Łukasz", "María José", "Nguyễn", "Oğuz", "Priya", "Quentin", "Renée", "Søren", "Thandiwe", "Úrsula"),
    *("Valentín", "さくら", "하늘", "晓明", "Дарья", "Ελένη", "ליאור", "ياسمين", "आरव", "Zoë", "Þórunn"),
)
LAST: Final = (
    *("Abara", "Bianchi", "Castillo", "D'Angelo", "Eriksson", "Fernández", "García-López", "Hoang", "Ito"),
    *("Jansen", "Kowalska", "Lefèvre", "Müller", "Ndiaye", "O'Brien", "Papadopoulou", "Quispe", "Rossi"),
    *("Sánchez Núñez", "Tanaka", "Usman", "Věra", "Weiß", "Xu", "Yılmaz", "Zhang", "小林", "Иванова", "김"),
)
LONG: Final = "the team of the third floor that walks at noon, whatever the weather, and tells everybody "
SHARE_OF_LONG_NAMES: Final = 0.003
# A player's share of all events falls with the rank: a tenth of the players sends about two thirds of them.
EXPONENT: Final = 0.85
# Events of a day by the hour of the player's own clock: asleep, off to work, lunch, the evening.
HOURS: Final = (1, 1, 0, 0, 0, 1, 3, 6, 8, 6, 5, 6, 9, 8, 5, 5, 6, 9, 12, 13, 11, 8, 5, 2)


@dataclass(frozen=True, slots=True)
class Person:
    """A player, the game that they play, and when in a history they joined (0: before it, 1: at its end)."""

    name: str
    game: DemoGame
    joined: float


class Crowd:
    """Players by rank of their activity, to be drawn by it."""

    def __init__(self, seed: int, n_players: int) -> None:
        draw = Random(f"crowd {seed}")  # noqa: S311  # lifelike, not secret
        self.people: Sequence[Person] = [_person(draw, number) for number in range(n_players)]
        self._shares = list(accumulate((rank + 1) ** -EXPONENT for rank in range(n_players)))

    def one(self, draw: Random, *, by: float = 1.0) -> Person:
        """Draw a player who had joined by then, the busy ones more often."""
        while True:
            [person] = draw.choices(self.people, cum_weights=self._shares)
            if person.joined <= by:
                return person


def _person(draw: Random, number: int) -> Person:
    [game] = draw.choices(GAMES, weights=[5, 3, 4])
    # Half of the crowd was there from the beginning; a growing rest came later.
    joined = 0.0 if number == 0 or draw.random() < 0.5 else draw.random()
    return Person(_name(draw, number), game, joined)


def _name(draw: Random, number: int) -> str:
    """Name a player as applications do: a name, a login, an address, a number; each of them once."""
    if draw.random() < SHARE_OF_LONG_NAMES:
        return (LONG * 3)[: 200 - len(f"{number}")] + f"{number}"
    first, last = draw.choice(FIRST), draw.choice(LAST)
    return draw.choice(
        (
            f"{first} {last} {number}",
            f"{first}.{last}{number}".lower().replace(" ", "-"),
            f"{first.lower().replace(' ', '.')}{number}@example.org",
            f"user-{number:06}",
        )
    )
