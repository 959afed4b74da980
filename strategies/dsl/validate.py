"""Validation: from anything at all to a program, or to all that is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from strategies.dsl.canonical import canonical_json, digest
from strategies.dsl.decode import Decoded, decode
from strategies.dsl.doubts import doubts
from strategies.dsl.errors import Code, Problem, Severity
from strategies.dsl.fields import FACTS, Source
from strategies.dsl.limits import DEFAULT_LIMITS, Limits
from strategies.dsl.nodes import Field, Section
from strategies.dsl.program import Cost, Kind, Program, link
from strategies.dsl.reader import closest
from strategies.dsl.scan import scan, size_problem


@dataclass(frozen=True, slots=True)
class Validation:
    """The answer of `validate`.

    `problems` are errors, then warnings; `program` is None if there is an error; `cost` is there whenever the source
    could be walked, `digest` whenever it has canonical JSON.
    """

    problems: tuple[Problem, ...]
    program: Program | None
    cost: Cost | None
    digest: str | None

    @property
    def valid(self) -> bool:
        """Whether there is no error; warnings do not count."""
        return self.program is not None

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that block saving."""
        return tuple(problem for problem in self.problems if problem.severity is Severity.ERROR)

    @property
    def warnings(self) -> tuple[Problem, ...]:
        """The problems that are kept with the version."""
        return tuple(problem for problem in self.problems if problem.severity is Severity.WARNING)

    def as_json(self) -> dict[str, object]:
        """Return the answer as the API shows it."""
        return {
            "valid": self.valid,
            "problems": [problem.as_json() for problem in self.problems],
            "cost": self.cost.as_json() if self.cost else None,
            "digest": self.digest,
        }


def validate(
    source: object,
    *,
    kind: Kind,
    parent: Program | None = None,
    limits: Limits = DEFAULT_LIMITS,
    masked_keys: Collection[str] = (),
) -> Validation:
    """Validate a program given as JSON, reporting all problems at once. Never raises, whatever `source` is.

    An EXTEND program is checked against its parent where one is given; without it what can be is checked, and the
    program that comes back cannot run. `masked_keys` are keys of the event data that a program may not name.
    """
    unreadable = scan(source, limits)
    if unreadable is not None:
        return Validation((unreadable,), None, None, None)
    encoded = _encoded(source)
    decoded = decode(source, limits)
    cost = Cost(decoded.n_nodes, decoded.depth, _facts(decoded, parent))
    problems = [*decoded.problems, *_check(decoded, kind, parent, limits, masked_keys)]
    if encoded is not None and len(encoded) > limits.max_size_bytes:
        problems.append(size_problem(limits, len(encoded)))
    if problems or decoded.root is None or encoded is None:
        return Validation(tuple(problems), None, cost, digest(source) if encoded is not None else None)
    # Read back from the canonical bytes: a copy that nobody else can change
    own_source: Mapping[str, object] = json.loads(encoded)
    program = link(
        decoded, decoded.root, source=own_source, kind=kind, digest=digest(own_source), parent=parent
    )
    return Validation(
        tuple(doubts(decoded.root, decoded, program.inputs)), program, program.cost, program.digest
    )


def _encoded(source: object) -> bytes | None:
    """Return the canonical JSON, or None where there is none; decoding names what stands in the way."""
    try:
        return canonical_json(source)
    except (ValueError, TypeError):
        return None


def _facts(decoded: Decoded, parent: Program | None) -> tuple[str, ...]:
    own = {read.name for read, _ in decoded.fields if read.source is Source.FACT}
    return tuple(sorted(own | (parent.fields if parent else frozenset())))


def _check(
    decoded: Decoded, kind: Kind, parent: Program | None, limits: Limits, masked_keys: Collection[str]
) -> Iterator[Problem]:
    """Yield what is wrong with the names and sections of a program, given its type and parent."""
    yield from _check_sections(decoded, kind)
    yield from _check_parent(kind, parent, limits)
    yield from _check_fields(decoded, kind, parent)
    yield from _check_variables(decoded)
    if parent is not None:
        yield from _check_parent_variables(decoded, parent, limits)
        yield from _check_inputs(decoded, parent)
    yield from _check_masked(decoded, parent, frozenset(masked_keys))


def _check_sections(decoded: Decoded, kind: Kind) -> Iterator[Problem]:
    forbidden = ("rules", "default") if kind is Kind.EXTEND else ("parent_variables",)
    for section in forbidden:
        if section in decoded.sections:
            name = kind.removeprefix("DSL_")
            yield Problem(
                Code.DSL_SECTION_NOT_ALLOWED,
                f"{section} has no place in a program of type {name}.",
                section,
                section,
                {"section": section, "type": name},
            )


def _check_parent(kind: Kind, parent: Program | None, limits: Limits) -> Iterator[Problem]:
    if parent is None:
        return
    if kind is Kind.FULL:
        yield Problem(Code.DSL_PARENT_NOT_ALLOWED, "A FULL program has no parent.")
    depth = len(parent.chain) + 1
    if depth > limits.max_chain:
        yield Problem(
            Code.DSL_PARENT_CHAIN,
            f"The chain would be {depth} programs deep; {limits.max_chain} are allowed.",
            params={"limit": limits.max_chain, "depth": depth},
        )


def _check_fields(decoded: Decoded, kind: Kind, parent: Program | None) -> Iterator[Problem]:
    known = _known_data(decoded, kind, parent)
    for field, section in decoded.fields:
        problem = _field_problem(field, section, known)
        if problem is not None:
            yield problem


def _known_data(decoded: Decoded, kind: Kind, parent: Program | None) -> frozenset[str] | None:
    """Return the data keys that may be read, or None for all of them.

    Nothing restricts them if neither the program nor its parent declares inputs, or if a parent is yet to be given.
    """
    if kind is Kind.EXTEND and parent is None:
        return None
    inherited = parent.inputs if parent is not None else {}
    if decoded.inputs is None and not inherited:
        return None
    written = (write.key for write in decoded.data_writes)
    return frozenset((*(decoded.inputs or {}), *inherited, *written))


def _field_problem(field: Field, section: Section, known: frozenset[str] | None) -> Problem | None:
    if field.source is Source.RESULT and section != "post_rules":
        return Problem(
            Code.DSL_PARENT_FIELD_OUTSIDE_POST,
            f"{field.field} is known in post_rules only, not in {section}.",
            field.path,
            field.node_id,
            {"field": field.field, "section": section},
        )
    if field.source is Source.DATA and known is not None and field.name not in known:
        return Problem(
            Code.DSL_INPUT_UNKNOWN,
            f"{field.field} is not among the declared inputs.",
            field.path,
            field.node_id,
            {"field": field.field, "inputs": sorted(known)},
            hint=closest(field.field, (*(f"data.{name}" for name in sorted(known)), *FACTS)),
        )
    return None


def _check_variables(decoded: Decoded) -> Iterator[Problem]:
    for read in decoded.variable_reads:
        if read.name not in decoded.variables:
            yield Problem(
                Code.DSL_VARIABLE_UNKNOWN,
                f"The program has no variable {read.name}.",
                read.path,
                read.node_id,
                {"variable": read.name},
                hint=closest(read.name, decoded.variables),
            )


def _check_parent_variables(decoded: Decoded, parent: Program, limits: Limits) -> Iterator[Problem]:
    for name, value in decoded.parent_variables.items():
        problem = parent.override_problem(name, value, f"parent_variables/{name}", limits)
        if problem is not None:
            yield problem


def _check_inputs(decoded: Decoded, parent: Program) -> Iterator[Problem]:
    for name, spec in (decoded.inputs or {}).items():
        inherited = parent.inputs.get(name)
        if inherited is not None and inherited.type != spec.type:
            path = f"inputs/{name}"
            yield Problem(
                Code.DSL_INPUT_CONFLICT,
                f"The input {name} is a {inherited.type} in the parent and a {spec.type} here.",
                path,
                path,
                {"input": name, "type": spec.type, "parentType": inherited.type},
            )


def _check_masked(decoded: Decoded, parent: Program | None, masked: frozenset[str]) -> Iterator[Problem]:
    if not masked:
        return
    named = [(read.name, read.path, read.node_id) for read, _ in decoded.fields if read.source is Source.DATA]
    named += [(write.key, write.path, write.node_id) for write in decoded.data_writes]
    named += [(name, f"inputs/{name}", f"inputs/{name}") for name in decoded.inputs or {}]
    named += [(key, "", "") for key in sorted(parent.data_keys)] if parent is not None else []
    for key, path, node_id in named:
        if key in masked:
            where = "The parent" if not path else "The program"
            message = f"{where} names data.{key}, which is masked."
            yield Problem(Code.DSL_MASKED_FIELD, message, path, node_id, {"key": key})
