"""A validated program, linked with the parent it is pinned to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Self

from strategies.dsl.declarations import InputSpec, VariableSpec, VariableValue
from strategies.dsl.decode import Decoded
from strategies.dsl.errors import Code, DslError, Problem
from strategies.dsl.fields import Source
from strategies.dsl.limits import DEFAULT_LIMITS, Limits
from strategies.dsl.nodes import AddPoints, AssignPoints, Literal, Node, Root, SetCaseName, Veto, walk
from strategies.dsl.reader import closest
from strategies.dsl.values import shown


class Kind(StrEnum):
    """FULL programs stand alone; EXTEND programs run around a parent."""

    FULL = "DSL_FULL"
    EXTEND = "DSL_EXTEND"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the kind that "FULL", "DSL_FULL", "EXTEND" or "DSL_EXTEND" names; ValueError otherwise."""
        return cls(text if text.startswith("DSL_") else f"DSL_{text}")


@dataclass(frozen=True, slots=True)
class Cost:
    """What a program may cost: its own nodes and depth, and the facts a run needs, parents' included."""

    nodes: int
    depth: int
    fields: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """Return the cost as the API shows it."""
        return {"nodes": self.nodes, "depth": self.depth, "fields": list(self.fields)}


@dataclass(frozen=True, slots=True, eq=False)
class Level:
    """One program of a chain as a run of the chain sees it; level 0 is the program itself, 1 its parent.

    A variable is read from the run's flat dict unless it is among the `constants`: those are the names that a
    program nearer to the child declares too, so that the flat dict holds the other one's value.
    """

    number: int
    root: Root
    variables: Mapping[str, VariableSpec]
    constants: Mapping[str, VariableValue]
    parented: bool


@dataclass(frozen=True, slots=True, eq=False)
class Program:
    """A program that validated. Immutable; two are the same if they are one object.

    `fields` are the paths of all facts that a run of the chain reads, `data_keys` the keys of the event data that the
    chain reads, declares or writes, `case_names` every case name and label that is written out, in order of the run.
    `inputs`, `variables` (effective defaults) and `variable_specs` cover the chain; `own_*` this program alone.
    `written_keys` are those that a `set_data` of the chain writes; `runnable` is whether the chain ends in a FULL program.
    """

    source: Mapping[str, object]
    kind: Kind
    digest: str
    parent: Program | None
    root: Root
    cost: Cost
    fields: frozenset[str]
    data_keys: frozenset[str]
    case_names: tuple[str, ...]
    inputs: Mapping[str, InputSpec]
    own_variables: Mapping[str, VariableSpec]
    parent_variables: Mapping[str, VariableValue]
    variable_specs: Mapping[str, VariableSpec]
    levels: tuple[Level, ...]
    written_keys: frozenset[str]
    runnable: bool

    @property
    def variables(self) -> dict[str, VariableValue]:
        """The effective defaults of the chain as a new flat dict: what a run is given if nothing is overridden."""
        return {name: spec.default for name, spec in self.variable_specs.items()}

    @property
    def chain(self) -> tuple[Program, ...]:
        """The program, its parent, and so on."""
        return tuple(_chain(self))

    def resolve_variables(
        self, overrides: Mapping[str, object], limits: Limits = DEFAULT_LIMITS
    ) -> dict[str, VariableValue]:
        """Return the flat dict of variables with overrides laid over the defaults.

        Raises DslError with all problems: an unknown name, another type, outside min, max or step.
        """
        problems = [
            problem
            for name, value in overrides.items()
            if (problem := self.override_problem(name, value, f"variables/{name}", limits)) is not None
        ]
        if problems:
            raise DslError(
                problems[0].code, problems[0].message, problems[0].params, problems=tuple(problems)
            )
        values = self.variables
        for name, value in overrides.items():
            if isinstance(value, bool | int | float | str):
                values[name] = value
        return values

    def override_problem(self, name: str, value: object, path: str, limits: Limits) -> Problem | None:
        """Return why a variable of the chain cannot be given `value`, if it cannot."""
        spec = self.variable_specs.get(name)
        if spec is not None:
            return spec.problem(value, path, limits.max_text_bytes)
        return Problem(
            Code.DSL_VARIABLE_UNKNOWN,
            f"There is no variable {shown(name)}.",
            path,
            path,
            {"variable": name},
            hint=closest(name, self.variable_specs),
        )


def link(
    decoded: Decoded,
    root: Root,
    *,
    source: Mapping[str, object],
    kind: Kind,
    digest: str,
    parent: Program | None,
) -> Program:
    """Make a program of what was decoded and its parent."""
    facts = {read.name for read, _ in decoded.fields if read.source is Source.FACT}
    written = {write.key for write in decoded.data_writes}
    read_keys = {read.name for read, _ in decoded.fields if read.source is Source.DATA}
    own_inputs = decoded.inputs or {}
    fields = frozenset(facts) | (parent.fields if parent else frozenset())
    specs, levels = _levels(root, decoded, parent)
    return Program(
        source=source,
        kind=kind,
        digest=digest,
        parent=parent,
        root=root,
        cost=Cost(decoded.n_nodes, decoded.depth, tuple(sorted(fields))),
        fields=fields,
        data_keys=frozenset(read_keys | written | set(own_inputs))
        | (parent.data_keys if parent else frozenset()),
        case_names=tuple(dict.fromkeys(_case_names(root, parent))),
        inputs=MappingProxyType({**(parent.inputs if parent else {}), **own_inputs}),
        own_variables=MappingProxyType(dict(decoded.variables)),
        parent_variables=MappingProxyType(dict(decoded.parent_variables)),
        variable_specs=MappingProxyType(specs),
        levels=levels,
        written_keys=frozenset(written) | (parent.written_keys if parent else frozenset()),
        runnable=kind is Kind.FULL or (parent is not None and parent.runnable),
    )


def _chain(program: Program | None) -> Iterator[Program]:
    while program is not None:
        yield program
        program = program.parent


def _case_names(root: Root, parent: Program | None) -> Iterator[str]:
    """Yield literal case names and labels in the order of a run: pre rules, body, post rules."""
    for rule in root.pre_rules:
        yield from _names_in(rule)
    if parent is not None:
        yield from parent.case_names
    body: Collection[Node] = root.rules if root.default is None else (*root.rules, root.default)
    for node in (*body, *root.post_rules):
        yield from _names_in(node)


def _names_in(node: Node) -> Iterator[str]:
    for each in walk(node):
        match each:
            case AssignPoints() | Veto():
                yield each.case_name
            case AddPoints():
                yield each.label
            case SetCaseName(value=Literal(value=str() as name)):
                yield name


def _levels(
    root: Root, decoded: Decoded, parent: Program | None
) -> tuple[dict[str, VariableSpec], tuple[Level, ...]]:
    """Return the flat variables of a chain and its levels.

    Overrides are laid on from the far end, so that what a nearer program gives to its parents wins.
    """
    roots = [root]
    declared = [dict(decoded.variables)]
    overrides = [decoded.parent_variables]
    for program in _chain(parent):
        roots.append(program.root)
        declared.append(dict(program.own_variables))
        overrides.append(program.parent_variables)
    for i in reversed(range(len(overrides))):
        for name, value in overrides[i].items():
            above = next((specs for specs in declared[i + 1 :] if name in specs), None)
            if above is not None:
                above[name] = replace(above[name], default=value)
    flat: dict[str, VariableSpec] = {}
    levels = []
    for i, specs in enumerate(declared):
        constants = {name: spec.default for name, spec in specs.items() if name in flat}
        levels.append(Level(i, roots[i], specs, constants, i + 1 < len(roots)))
        flat = {**specs, **flat}
    return flat, tuple(levels)
