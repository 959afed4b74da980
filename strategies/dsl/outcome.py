"""What a run gives."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple, TypeAlias

OutcomeKind: TypeAlias = Literal["award", "no_award", "veto"]

AWARD: Final = "award"
NO_AWARD: Final = "no_award"
VETO: Final = "veto"


class Outcome(NamedTuple):
    """The result of a successful run.

    `points` are rounded half-even to 6 decimals and below 1e12 in magnitude; an integer stays one. `case_name` is null
    for no award, and for an award of post rules that name none. `callback_data` may hold values of the event data
    themselves, not copies. `bonuses` are the (label, value) of every `add_points` that ran, none after a veto.
    `nodes` is how many nodes were visited.
    """

    kind: OutcomeKind
    points: int | float
    case_name: str | None
    callback_data: dict[str, object]
    bonuses: tuple[tuple[str, int | float], ...]
    nodes: int
