"""Warnings: what is allowed and can hardly be meant."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from strategies.dsl.declarations import InputSpec
from strategies.dsl.decode import Decoded
from strategies.dsl.errors import Code, Fault, Problem, Severity
from strategies.dsl.fields import Source
from strategies.dsl.functions import EQUALITY, FUNCTIONS, calculate, compare
from strategies.dsl.nodes import (
    AddPoints,
    Arith,
    AssignPoints,
    Branch,
    Compare,
    FuncCall,
    Literal,
    Node,
    Return,
    Root,
    Rule,
    SetCaseName,
    SetPoints,
    Statement,
    Veto,
    walk,
)
from strategies.dsl.static import Names, Types, of_input, of_variable

_HALTING: Final = (AssignPoints, Return, Veto)


def doubts(root: Root, decoded: Decoded, inputs: Mapping[str, InputSpec]) -> Iterator[Problem]:
    """Yield the warnings for a program that has no errors."""
    yield from _unreachable(root)
    yield from _always_failing(root, decoded, inputs)
    yield from _unused(decoded)
    yield from _duplicate_ids(root)


def _warning(code: Code, message: str, node: Node, **params: object) -> Problem:
    return Problem(code, message, node.path, node.node_id, params, Severity.WARNING)


def _unreachable(root: Root) -> Iterator[Problem]:
    for rules in (root.pre_rules, root.rules, root.post_rules):
        halting = next((i for i, rule in enumerate(rules) if _always_halts(rule)), len(rules))
        after: Sequence[Node] = rules[halting + 1 :]
        if rules is root.rules and root.default is not None and halting < len(rules):
            after = (*after, root.default)
        for node in after[:1]:
            yield _warning(
                Code.DSL_UNREACHABLE, f"{rules[halting].path} always halts, so this never runs.", node
            )
        for rule in rules:
            for branch in rule.branches:
                yield from _after_halt(branch.then)


def _after_halt(statements: Sequence[Statement]) -> Iterator[Problem]:
    halting = next((i for i, each in enumerate(statements) if isinstance(each, _HALTING)), len(statements))
    for statement in statements[halting + 1 : halting + 2]:
        yield _warning(
            Code.DSL_UNREACHABLE,
            f"{statements[halting].type} before it halts, so this never runs.",
            statement,
        )


def _always_halts(rule: Rule) -> bool:
    for branch in rule.branches:
        if not any(isinstance(statement, _HALTING) for statement in branch.then):
            return False
        if _always_taken(branch):
            return True
    return False


def _always_taken(branch: Branch) -> bool:
    return branch.when is None or (isinstance(branch.when, Literal) and bool(branch.when.value))


def _always_failing(root: Root, decoded: Decoded, inputs: Mapping[str, InputSpec]) -> Iterator[Problem]:
    written = {write.key for write in decoded.data_writes}
    names = Names(
        {name: of_variable(spec) for name, spec in decoded.variables.items()},
        {name: of_input(spec) for name, spec in inputs.items() if name not in written},
    )
    for node in walk(root):
        reason = _failure_of_constants(node) or _failure_of_types(node, names)
        if reason:
            yield _warning(Code.DSL_ALWAYS_FAILS, f"Always fails: {reason}", node)


def _failure_of_constants(node: Node) -> str | None:
    """Return how an operation on literals fails, by doing it."""
    try:
        match node:
            case Arith(op=op, left=Literal(value=left), right=Literal(value=right)):
                calculate(op, left, right)
            case Arith(op="/", right=Literal(value=(int() | float()) as right)):
                calculate("/", 1, right)
            case Compare(op=order, left=Literal(value=left), right=Literal(value=right)):
                compare(order, left, right)
            case FuncCall() if all(isinstance(arg, Literal) for arg in node.args):
                FUNCTIONS[node.name](*[arg.value for arg in node.args if isinstance(arg, Literal)])
    except Fault as fault:
        return fault.message
    return None


def _failure_of_types(node: Node, names: Names) -> str | None:
    match node:
        case Arith(left=left, right=right):
            failing = not all(names.of(each).can_be(Types.NUMBER) for each in (left, right))
            return f"{node.op} is for numbers." if failing else None
        case Compare() if node.op not in EQUALITY:
            kinds = {_family(names.of(node.left).types), _family(names.of(node.right).types)}
            return "It orders a text and a number." if kinds == {"text", "number"} else None
        case AssignPoints() | AddPoints() | SetPoints():
            return None if names.of(node.value).can_be(Types.NUMBER) else "Points are a number."
        case SetCaseName():
            return None if names.of(node.value).can_be(Types.TEXT) else "A case name is a text."
    return None


def _family(types: Types) -> str | None:
    if types and types in Types.TEXT:
        return "text"
    return "number" if types and types in Types.NUMBER | Types.BOOLEAN else None


def _unused(decoded: Decoded) -> Iterator[Problem]:
    read = {variable.name for variable in decoded.variable_reads}
    for name in decoded.variables:
        if name not in read:
            yield _unused_entry(Code.DSL_VARIABLE_UNUSED, "variables", "variable", name)
    keys = {field.name for field, _ in decoded.fields if field.source is Source.DATA}
    for name in decoded.inputs or ():
        if name not in keys:
            yield _unused_entry(Code.DSL_INPUT_UNUSED, "inputs", "input", name)


def _unused_entry(code: Code, section: str, what: str, name: str) -> Problem:
    path = f"{section}/{name}"
    message = f"The {what} {name} is declared and never read."
    return Problem(code, message, path, path, {what: name}, Severity.WARNING)


def _duplicate_ids(root: Root) -> Iterator[Problem]:
    # A match branch carries the id of its rule; it is the rule's
    labelled = [
        node
        for node in walk(root)
        if node.id is not None and not (isinstance(node, Branch) and node.name == "match")
    ]
    counts = Counter(node.id for node in labelled)
    seen = set()
    for node in labelled:
        if counts[node.id] > 1 and node.id in seen:
            message = (
                f'The id "{node.id}" stands at {counts[node.id]} nodes; traces tell them apart by path only.'
            )
            yield _warning(Code.DSL_DUPLICATE_ID, message, node, id=node.id)
        seen.add(node.id)
