"""The trace of a run: what was evaluated, in order, operands first."""

from __future__ import annotations

from typing import Final, TypeAlias

from strategies.dsl.canonical import canonical_json
from strategies.dsl.errors import Code
from strategies.dsl.limits import MAX_NUMBER
from strategies.dsl.nodes import Node, Section

_LONGEST: Final = 256
"""Bytes of JSON of a value in a trace."""

_MAX_INTEGER: Final = int(MAX_NUMBER)

Where: TypeAlias = tuple[Section | None, int]
"""The section of a node (none for a program) and its level: 0 for the program itself, 1 for its parent."""

Record: TypeAlias = tuple[Node, object, Where, str | None]
"""One evaluated node: the node, its value, where, and a note: the branch taken, or the `Code` with which it failed.

A plain tuple: a run makes sixty of them, and a named one takes four times as long to make.
"""


class Trace:
    """Collects what a run evaluates; shows the first `limit` evaluations (None: all).

    Collecting is cheap, and bounded by the size of the program. `entries` makes JSON of it, which can wait until the
    answer has been sent.
    """

    __slots__ = ("limit", "records")

    def __init__(self, limit: int | None = None) -> None:
        """Begin an empty trace."""
        self.limit = limit
        self.records: list[Record] = []

    @property
    def cut(self) -> int:
        """How many evaluations `entries` leaves out."""
        return 0 if self.limit is None else max(0, len(self.records) - self.limit)

    @property
    def entries(self) -> list[dict[str, object]]:
        """The trace as JSON: `{n, path, nodeId?, type, value, section, op?, field?, branch?, level?, error?, cut?}`.

        `path` is within the program of its `level`, which is left out for the program itself and is 1 for its parent.
        `section` is null for a program. `cut` marks a value that was longer than 256 bytes of JSON. `error` is on the
        node that failed.
        """
        entries = []
        for n, (node, value, (section, level), note) in enumerate(self.records[: self.limit]):
            entry = node.described.copy()
            entry["n"] = n
            entry["value"] = value
            entry["section"] = section
            if note is not None:
                entry["error" if isinstance(note, Code) else "branch"] = str(note)
            if level:
                entry["level"] = level
            if not _is_short(value):
                _shorten(entry, value)
            entries.append(entry)
        return entries


def _is_short(value: object) -> bool:
    """Return whether a value is surely short and JSON, as nearly all are, without making JSON of it."""
    if type(value) is int:
        # An integer is compared with an integer: with a float it takes twice as long
        return -_MAX_INTEGER <= value <= _MAX_INTEGER
    if type(value) is float:
        return -MAX_NUMBER <= value <= MAX_NUMBER
    if value is None or value is True or value is False:
        return True
    # A character of ASCII takes at most six bytes when escaped
    return type(value) is str and len(value) < _LONGEST // 6 and value.isascii()


def _shorten(entry: dict[str, object], value: object) -> None:
    """Cut a value down to 256 bytes, and mark it, if it is longer or not JSON."""
    try:
        encoded = canonical_json(value)
    except (ValueError, TypeError, RecursionError):
        entry.update(value="not JSON", cut=True)
        return
    if len(encoded) > _LONGEST:
        if isinstance(value, str):
            encoded = value.encode()
        short = encoded[: _LONGEST - len("…".encode())].decode(errors="ignore")
        entry.update(value=f"{short}…", cut=True)
