"""Let things be measured in turn."""

import random
from collections.abc import Callable, Sequence
from typing import TypeVar

from bench.progress import Progress

Name = TypeVar("Name")
Measured = TypeVar("Measured")


def take_turns(
    names: Sequence[Name], measure: Callable[[Name], Measured], *, n_rounds: int, label: str
) -> dict[Name, list[Measured]]:
    """Measure each once a round, in another order each round, so that none always follows the same neighbour."""
    order = random.Random(1)
    found: dict[Name, list[Measured]] = {name: [] for name in names}
    with Progress(label, n_rounds * len(names)) as progress:
        for _ in range(n_rounds):
            for name in order.sample(list(names), len(names)):
                found[name].append(measure(name))
                progress.step()
    return found
