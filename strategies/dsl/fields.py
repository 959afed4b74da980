"""The catalogue of fields: what a program can read, of what type, at what cost.

The API serves it (`field_catalogue`), so that an editor and the validator share one source.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from strategies.dsl.values import Scalar, TypeName


class Source(StrEnum):
    """Where a field comes from."""

    FACT = "fact"
    DATA = "data"
    RESULT = "result"


class ReadCost(StrEnum):
    """What reading a fact costs the database before the run."""

    NONE = "none"
    RUNNING_FIGURE = "running figure"
    INDEX_RANGE = "index range"


@dataclass(frozen=True, slots=True)
class FieldSpec:
    """A field of the catalogue; `default` is its value without history, and a null default makes it nullable."""

    path: str
    type: TypeName
    meaning: str
    cost: ReadCost
    default: Scalar
    sections: tuple[str, ...] = ("pre_rules", "rules", "default", "post_rules")

    def as_json(self) -> dict[str, object]:
        """Return the entry as the API serves it."""
        return {
            "path": self.path,
            "type": self.type,
            "meaning": self.meaning,
            "cost": str(self.cost),
            "default": self.default,
            "nullable": self.default is None,
            "sections": list(self.sections),
        }


def _history(path: str, meaning: str, default: Scalar = 0) -> FieldSpec:
    return FieldSpec(path, "number", meaning, ReadCost.RUNNING_FIGURE, default)


_FACTS: Final = (
    FieldSpec("externalGameId", "text", "The game's external id, from the request.", ReadCost.NONE, None),
    FieldSpec("externalTaskId", "text", "The task's external id, from the request.", ReadCost.NONE, None),
    FieldSpec("externalUserId", "text", "The player's external id, from the request.", ReadCost.NONE, None),
    _history("user.measurements_count", "Scores of this player on this task of this game."),
    FieldSpec(
        "user.recent_measurements_count",
        "number",
        "Scores of this player on this task of this game within the last 300 s.",
        ReadCost.INDEX_RANGE,
        0,
    ),
    _history("task.measurements_count", "Scores of any player on this task."),
    _history("user.avg_time", "Mean seconds between the player's consecutive scores on the task.", None),
    _history(
        "all.avg_time", "Mean seconds between consecutive scores on the task, all players interleaved.", None
    ),
    _history("user.last_window_diff", "Seconds between the player's last two scores on the task."),
    _history("user.new_last_window_diff", "Seconds since the player's last score on the task."),
    _history("user.points_total", "The player's points in this game, net of reversals."),
    _history(
        "user.streak_days",
        "Consecutive calendar days, up to yesterday or today, with a score in this game, in its time zone.",
    ),
    FieldSpec("event.hour", "number", "Hour of the event, 0 to 23, in the game's zone.", ReadCost.NONE, None),
    FieldSpec(
        "event.weekday",
        "number",
        "Weekday of the event, 0 is Monday, in the game's zone.",
        ReadCost.NONE,
        None,
    ),
    FieldSpec(
        "event.is_weekend", "boolean", "Whether the event is on Saturday or Sunday.", ReadCost.NONE, None
    ),
)

FACTS: Final[dict[str, FieldSpec]] = {spec.path: spec for spec in _FACTS}

_POST: Final = ("post_rules",)
RESULTS: Final[dict[str, FieldSpec]] = {
    spec.path: spec
    for spec in (
        FieldSpec("result.points", "number", "The points that the body gave.", ReadCost.NONE, 0, _POST),
        FieldSpec("result.case_name", "text", "The case that the body gave.", ReadCost.NONE, None, _POST),
        FieldSpec("parent.points", "number", "The same as result.points.", ReadCost.NONE, 0, _POST),
        FieldSpec("parent.case_name", "text", "The same as result.case_name.", ReadCost.NONE, None, _POST),
    )
}

DATA_KEY: Final = re.compile(r"[A-Za-z0-9_]+")
"""To be used with fullmatch, or a trailing newline slips through."""

_DATA_PREFIX: Final = "data."


@dataclass(frozen=True, slots=True)
class ResolvedField:
    """A field's source and its name there: a fact's path, a data key, or "points" / "case_name"."""

    source: Source
    name: str


def resolve_field(path: str) -> ResolvedField | None:
    """Return what a field path names, or None if there is no such field."""
    if path in FACTS:
        return ResolvedField(Source.FACT, path)
    if path in RESULTS:
        return ResolvedField(Source.RESULT, path.partition(".")[2])
    key = path.removeprefix(_DATA_PREFIX)
    if key != path and DATA_KEY.fullmatch(key):
        return ResolvedField(Source.DATA, key)
    return None


def field_default(path: str) -> Scalar:
    """Return a fact's value without history; KeyError for a path that is not a fact of the catalogue."""
    return FACTS[path].default


def field_catalogue() -> list[dict[str, object]]:
    """Return the catalogue as JSON-ready entries, `data.KEY` among them."""
    data: dict[str, object] = {
        "path": "data.KEY",
        "type": "any",
        "meaning": "The event's data[KEY], one level; KEY is letters, digits and underscores.",
        "cost": str(ReadCost.NONE),
        "default": None,
        "nullable": True,
        "sections": ["pre_rules", "rules", "default", "post_rules"],
    }
    specs = [spec.as_json() for spec in (*FACTS.values(), *RESULTS.values())]
    return [*specs, data]
