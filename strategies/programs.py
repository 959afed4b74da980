"""Compiled programs by version id. Published versions are immutable, so an entry is never stale."""

import functools
import uuid
from dataclasses import dataclass

from strategies import dsl
from strategies.models import StrategyVersion

CACHED_PROGRAMS = 2000


@dataclass(frozen=True, slots=True)
class LoadedProgram:
    """A version's program, linked with its pinned parents, as tree and as Python function."""

    program: dsl.Program
    compiled: dsl.CompiledProgram


@functools.lru_cache(maxsize=CACHED_PROGRAMS)
def load(version_id: uuid.UUID) -> LoadedProgram:
    """Load and compile a published version, its parents included."""
    version = StrategyVersion.objects.select_related("strategy").get(pk=version_id)
    program = link(version)
    return LoadedProgram(program, dsl.compile_program(program))


def link(version: StrategyVersion) -> dsl.Program:
    """Make the program of a stored version; one that no longer validates is a fault of ours, said loudly."""
    parent = load(version.parent_version_id).program if version.parent_version_id else None
    validation = dsl.validate(
        version.program,
        kind=dsl.Kind(version.strategy.type),
        parent=parent,
    )
    if validation.program is None:
        raise RuntimeError(f"{version} does not validate: {validation.problems}")
    return validation.program
