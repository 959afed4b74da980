"""The tables of docs/language.md, written from the code: `python -m strategies.dsl.documentation` rewrites them.

A table stands between `<!-- NAME -->` and `<!-- /NAME -->`; a test compares what is there with what would be written.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from strategies.dsl.errors import Code
from strategies.dsl.fields import field_catalogue
from strategies.dsl.limits import DEFAULT_LIMITS, MAX_CASE_NAME, MAX_NUMBER, MAX_POINTS

DEFAULT_PATH = Path(__file__).parents[2] / "docs" / "language.md"


def codes() -> Iterator[str]:
    """Yield the table of codes."""
    yield "| code | when | meaning |"
    yield "|---|---|---|"
    for code in Code:
        yield f"| {code} | {code.stage} | {code.description} |"


def fields() -> Iterator[str]:
    """Yield the table of fields."""
    yield "| field | type | without history | cost | meaning |"
    yield "|---|---|---|---|---|"
    for entry in field_catalogue():
        default = "null" if entry["default"] is None else entry["default"]
        yield f"| `{entry['path']}` | {entry['type']} | {default} | {entry['cost']} | {entry['meaning']} |"


def limits() -> Iterator[str]:
    """Yield the table of limits."""
    yield "| what | limit | code |"
    yield "|---|---|---|"
    rows: list[tuple[str, object, Code]] = [
        ("nodes of a program", DEFAULT_LIMITS.max_nodes, Code.DSL_LIMIT_NODES),
        ("depth", DEFAULT_LIMITS.max_depth, Code.DSL_LIMIT_DEPTH),
        ("program as canonical JSON, bytes", DEFAULT_LIMITS.max_size_bytes, Code.DSL_LIMIT_SIZE),
        ("a text, bytes", DEFAULT_LIMITS.max_text_bytes, Code.DSL_LIMIT_TEXT),
        ("callback data as JSON, bytes", DEFAULT_LIMITS.max_callback_bytes, Code.DSL_CALLBACK_TOO_LARGE),
        ("programs in a chain", DEFAULT_LIMITS.max_chain, Code.DSL_PARENT_CHAIN),
        ("case name or label, characters", MAX_CASE_NAME, Code.DSL_CASE_NAME),
        ("magnitude of a number", f"{MAX_NUMBER:g}", Code.DSL_NUMBER_RANGE),
        ("magnitude of the points, below", f"{MAX_POINTS:g}", Code.DSL_NUMBER_RANGE),
    ]
    for what, limit, code in rows:
        yield f"| {what} | {limit} | {code} |"


TABLES = {"codes": codes, "fields": fields, "limits": limits}


def rewritten(text: str) -> str:
    """Return a document with its tables as they should be."""
    for name, table in TABLES.items():
        before, begin, rest = text.partition(f"<!-- {name} -->")
        _, end, after = rest.partition(f"<!-- /{name} -->")
        text = "".join([before, begin, "\n", *(f"{line}\n" for line in table()), end, after])
    return text


if __name__ == "__main__":
    path = Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT_PATH
    path.write_text(rewritten(path.read_text(encoding="utf-8")), encoding="utf-8")
