"""What rounds of measurements say: medians, ratios of things that took turns, and how far one thing differs from itself.

Only ratios within one run mean anything on a machine whose speed drifts, so A and B take turns and each A is compared
with the B of its own round. The same thing measured twice in turn gives the noise: a difference between A and B that
is not well above the difference between A and A is none.
"""

import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

MIN_PAIRS: Final = 7
TOO_NOISY: Final = 0.10


@dataclass(frozen=True)
class Figure:
    """A median, and its noise: the typical difference, as a share, of the same thing measured twice in turn.

    What was counted is a whole number, and stays exact.
    """

    value: float
    noise: float | None = None

    @property
    def is_noisy(self) -> bool:
        return self.noise is not None and self.noise > TOO_NOISY

    @property
    def told(self) -> float:
        return self.value if isinstance(self.value, int) else rounded(self.value)

    def __str__(self) -> str:
        noise = "" if self.noise is None else f" ± {self.noise:.0%}"
        return f"{self.told:.12g}{noise}{' TOO NOISY' if self.is_noisy else ''}"


def rounded(value: float, digits: int = 3) -> float:
    """Keep so many significant digits: no measurement here is better than that."""
    return float(f"{value:.{digits}g}")


def ratio(over: Sequence[float], under: Sequence[float]) -> float:
    """Return the median of the quotients of what was measured in the same round."""
    return statistics.median(a / b for a, b in zip(over, under, strict=True))


def noise(first: Sequence[float], again: Sequence[float]) -> float:
    """Return by how much the same thing, measured twice in each round, typically differs from itself (0.05: 5 %)."""
    return statistics.median(max(a, b) / min(a, b) - 1 for a, b in zip(first, again, strict=True))


def worst(found: Iterable[Figure], *, of: Callable[..., Figure]) -> Figure:
    """Return the worst of several figures under one key: `of=min` where more is better, `of=max` where less is."""
    return of(found, key=lambda figure: figure.value)
