"""The trace of a run: what was evaluated, in order, operands first."""

from __future__ import annotations

import math
from typing import Final, NamedTuple

from strategies.dsl.canonical import canonical_json
from strategies.dsl.errors import Code
from strategies.dsl.limits import MAX_NUMBER
from strategies.dsl.nodes import Arith, Compare, Field, Node

_LONGEST: Final = 256
"""Bytes of JSON of a value in a trace."""


class Record(NamedTuple):
    """One evaluated node. `level` is 0 for the program itself, 1 for its parent; `error` is the failing node's code."""

    node: Node
    value: object
    section: str | None
    level: int
    branch: str | None = None
    error: Code | None = None


class Trace:
    """Collects the first `limit` records of a run (None: all) and counts the rest.

    Records are cheap; `entries` makes JSON of them, which can wait until the answer has been sent.
    """

    __slots__ = ("_limit", "cut", "records")

    def __init__(self, limit: int | None = None) -> None:
        """Begin an empty trace."""
        self._limit = math.inf if limit is None else limit
        self.records: list[Record] = []
        self.cut = 0

    def add(self, record: Record) -> None:
        """Keep a record, or count it as cut."""
        if len(self.records) < self._limit:
            self.records.append(record)
        else:
            self.cut += 1

    @property
    def entries(self) -> list[dict[str, object]]:
        """The trace as JSON: `{n, path, nodeId?, type, value, section?, branch?, op?, field?, level?, error?, cut?}`.

        `path` is within the program of its `level`, which is left out for the program itself and is 1 for its parent.
        `cut` marks a value that was longer than 256 bytes of JSON. `error` is on the node that failed.
        """
        return [_entry(n, record) for n, record in enumerate(self.records)]


def _entry(n: int, record: Record) -> dict[str, object]:
    node = record.node
    value, was_cut = shortened(record.value)
    entry: dict[str, object] = {"n": n, "path": node.path, "type": node.type, "value": value}
    if node.id is not None:
        entry["nodeId"] = node.id
    if record.section is not None:
        entry["section"] = record.section
    if record.branch is not None:
        entry["branch"] = record.branch
    if isinstance(node, Arith | Compare):
        entry["op"] = node.op
    elif isinstance(node, Field):
        entry["field"] = node.field
    if record.level:
        entry["level"] = record.level
    if record.error is not None:
        entry["error"] = str(record.error)
    if was_cut:
        entry["cut"] = True
    return entry


def shortened(value: object) -> tuple[object, bool]:
    """Return a value fit for a trace, and whether it had to be cut: at most 256 bytes of JSON, and JSON at all."""
    if _is_short(value):
        return value, False
    try:
        encoded = canonical_json(value)
    except (ValueError, TypeError, RecursionError):
        return "not JSON", True
    if len(encoded) <= _LONGEST:
        return value, False
    if isinstance(value, str):
        encoded = value.encode()
    return encoded[: _LONGEST - len("…".encode())].decode(errors="ignore") + "…", True


def _is_short(value: object) -> bool:
    """Return whether a value is surely short, as nearly all are, without making JSON of it."""
    match value:
        case None | bool():
            return True
        case int() | float():
            return -MAX_NUMBER <= value <= MAX_NUMBER
        case str():
            # A character takes at most six bytes when escaped
            return len(value) <= _LONGEST // 6 - 1 and value.isascii()
    return False
