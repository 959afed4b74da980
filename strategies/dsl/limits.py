"""How large a program, its texts, its numbers and its answers may be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

MAX_NUMBER: Final = 1e15
"""The largest magnitude of a literal, a variable, or any number that a program computes."""

MAX_POINTS: Final = 1e12
"""The points of an outcome stay below this, so that they fit `numeric(18, 6)`."""

MAX_CASE_NAME: Final = 200
MAX_CALLBACK_KEY: Final = 200
MAX_ID: Final = 100
MAX_NAME: Final = 64

_DEEPEST: Final = 64
"""Decoding recurses, and so does Python's own compiler: no setting may go beyond what both bear with ease."""


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits that a deployment may change; sizes are bytes of UTF-8."""

    max_nodes: int = 1000
    max_depth: int = 32
    max_size_bytes: int = 64 * 1024
    max_text_bytes: int = 1024
    max_callback_bytes: int = 8 * 1024
    max_chain: int = 4
    """Programs in a chain: the program itself, its parent, and so on."""

    def __post_init__(self) -> None:
        """Refuse what the executors cannot bear."""
        if not 1 <= self.max_depth <= _DEEPEST:
            raise ValueError(f"max_depth is 1 to {_DEEPEST}, not {self.max_depth}")


DEFAULT_LIMITS: Final = Limits()
