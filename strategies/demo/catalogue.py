"""What the demo realm holds: games, their tasks, what scores them, and strategies with a past. Pure data."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

REALM: Final = "demo"
PROGRAMS: Final = Path(__file__).parent / "programs"


@dataclass(frozen=True, slots=True)
class DemoGame:
    """A game; its tasks by external id, each with the strategy that scores it (None: the game's)."""

    external_id: str
    strategy: str
    tasks: Mapping[str, str | None]
    time_zone: str | None = None
    variables: Mapping[str, object] = field(default_factory=dict)
    closed: frozenset[str] = frozenset()

    @property
    def open_tasks(self) -> list[str]:
        return [task for task in self.tasks if task not in self.closed]


# The first is the one that the quick start speaks of.
GAMES: Final = (
    DemoGame(
        "city-walk",
        "default",
        {
            "find-the-fountain": None,
            "photograph-a-bird": "task_completion",
            "report-a-pothole": "citizen_science",
            "weekend-cleanup": "weekend_bonus",
            "daily-steps": "constant_effort",
        },
    ),
    DemoGame(
        "air-quality",
        "air_reading",
        {
            "measure-the-air": None,
            "report-a-smell": "engagement",
            "calibrate-a-sensor": "task_completion",
            "winter-campaign": None,
        },
        time_zone="Europe/Madrid",
        closed=frozenset({"winter-campaign"}),
    ),
    DemoGame(
        "language-school",
        "lesson_points",
        {"finish-a-lesson": None, "daily-quiz": "quiz_points", "review-words": "speed_bonus"},
        time_zone="America/Bogota",
        variables={"points_per_word": 2},
    ),
)


@dataclass(frozen=True, slots=True)
class Life:
    """A strategy that has been through something: versions in order of publishing, and what came after."""

    name: str
    description: str
    versions: tuple[Mapping[str, object], ...]
    draft: Mapping[str, object] | None
    rolled_back_to: int | None
    is_archived: bool


@cache
def lives() -> dict[str, Life]:
    """Return the strategies of `programs/` by the name of their file."""
    return {file.stem: _read(file) for file in sorted(PROGRAMS.glob("*.json"))}


def _read(file: Path) -> Life:
    raw = json.loads(file.read_text(encoding="utf-8"))
    return Life(
        name=raw["name"],
        description=raw["description"],
        versions=tuple(raw.get("versions", ())),
        draft=raw.get("draft"),
        rolled_back_to=raw.get("rolledBackTo"),
        is_archived=raw.get("archived", False),
    )
