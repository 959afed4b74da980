"""Players whose events come at the same moment.

What one such event sees has changed when it is to be written, so that it is scored a second time, under the lock. For a
second after that the player's events take the lock at once. Names alone, for it decides on the way and never on the score:
two players of that name in two games both wait a little.
"""

import time
from collections.abc import Callable
from typing import Final

LOCKED_FOR_SECONDS: Final = 1.0
MAX_PLAYERS: Final = 10_000


class Contended:
    """Who had two events at once a moment ago. Safe for threads."""

    def __init__(self, timer: Callable[[], float] = time.monotonic) -> None:
        self._timer = timer
        self._until: dict[str, float] = {}

    def note(self, player: str) -> None:
        """Remember that an event of this player found what it saw changed."""
        if len(self._until) >= MAX_PLAYERS:
            self._until.clear()
        self._until[player] = self._timer() + LOCKED_FOR_SECONDS

    def __contains__(self, player: str) -> bool:
        until = self._until.get(player)  # nearly always None
        return until is not None and self._timer() < until

    def clear(self) -> None:
        self._until.clear()


contended: Final = Contended()
