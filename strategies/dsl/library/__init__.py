"""The programs that ship with the product: built-in strategies, and examples to begin from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from strategies.dsl.program import Kind, Program
from strategies.dsl.validate import validate

_FOLDER: Final = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class LibraryProgram:
    """A shipped program; `parent` is the slug of the built-in that it extends, `source` the JSON as shipped."""

    slug: str
    name: str
    description: str
    kind: Kind
    parent: str | None
    source: Mapping[str, object]
    program: Program


@cache
def builtin_programs() -> dict[str, LibraryProgram]:
    """Return the built-in strategies by slug."""
    return _load("builtin", parents={})


@cache
def example_programs() -> dict[str, LibraryProgram]:
    """Return the examples by slug; those that extend a built-in are linked with it."""
    return _load("examples", parents=builtin_programs())


def _load(folder: str, parents: Mapping[str, LibraryProgram]) -> dict[str, LibraryProgram]:
    files = sorted((_FOLDER / folder).glob("*.json"))
    loaded = [_read(json.loads(file.read_text(encoding="utf-8")), parents) for file in files]
    return {each.slug: each for each in loaded}


def _read(
    raw: Mapping[str, str | dict[str, object]], parents: Mapping[str, LibraryProgram]
) -> LibraryProgram:
    kind = Kind(str(raw["type"]))
    parent = str(raw["parent"]) if "parent" in raw else None
    source = raw["program"]
    validation = validate(source, kind=kind, parent=parents[parent].program if parent else None)
    if validation.program is None:
        raise ValueError(f"The shipped program {raw['slug']} is not valid: {validation.problems}")
    return LibraryProgram(
        slug=str(raw["slug"]),
        name=str(raw["name"]),
        description=str(raw["description"]),
        kind=kind,
        parent=parent,
        source=validation.program.source,
        program=validation.program,
    )
