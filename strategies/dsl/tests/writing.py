"""Short ways to write programs in tests, and to run them by both executors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pytest

from strategies.dsl import (
    Code,
    CompiledProgram,
    Kind,
    Outcome,
    Program,
    RunError,
    Trace,
    Validation,
    compile_program,
    interpret,
    validate,
)

Json = dict[str, Any]


def lit(value: object) -> Json:
    return {"type": "literal", "value": value}


def field(path: str) -> Json:
    return {"type": "field", "path": path}


def var(name: str) -> Json:
    return {"type": "variable", "name": name}


def expr(value: object) -> Json:
    """Return a node as it is, and anything else as a literal."""
    return value if isinstance(value, dict) else lit(value)


def arith(left: object, op: str, right: object) -> Json:
    return {"type": "arith", "op": op, "left": expr(left), "right": expr(right)}


def compare(left: object, op: str, right: object) -> Json:
    return {"type": "compare", "op": op, "left": expr(left), "right": expr(right)}


def call(name: str, *args: object) -> Json:
    return {"type": "func_call", "name": name, "args": [expr(arg) for arg in args]}


def both(*args: object) -> Json:
    return {"type": "and", "args": [expr(arg) for arg in args]}


def either(*args: object) -> Json:
    return {"type": "or", "args": [expr(arg) for arg in args]}


def negated(arg: object) -> Json:
    return {"type": "not", "arg": expr(arg)}


def assign(value: object, case_name: str = "C") -> Json:
    return {"type": "assign_points", "value": expr(value), "case_name": case_name}


def add(value: object, label: str = "B") -> Json:
    return {"type": "add_points", "value": expr(value), "label": label}


def callback(key: str, value: object) -> Json:
    return {"type": "set_callback_data", "key": key, "value": expr(value)}


def set_data(key: str, value: object) -> Json:
    return {"type": "set_data", "key": key, "value": expr(value)}


def set_points(value: object) -> Json:
    return {"type": "set_points", "value": expr(value)}


def set_case(value: object) -> Json:
    return {"type": "set_case_name", "value": expr(value)}


def veto(case_name: str = "V") -> Json:
    return {"type": "veto", "case_name": case_name}


def leave() -> Json:
    return {"type": "return"}


def rule(when: object, *then: Json, **keys: object) -> Json:
    return {"type": "rule", "when": expr(when), "then": list(then), **keys}


def always(*then: Json, **keys: object) -> Json:
    return rule(True, *then, **keys)


def program(*rules: Json, **keys: object) -> Json:
    return {"type": "program", "rules": list(rules), **keys}


def checked(
    source: object, kind: Kind = Kind.FULL, parent: Program | None = None, **options: Any
) -> Validation:
    return validate(source, kind=kind, parent=parent, **options)


def full(*rules: Json, **keys: object) -> Program:
    return valid(program(*rules, **keys))


def extend(parent: Program, **keys: object) -> Program:
    return valid(program(**keys), Kind.EXTEND, parent)


def valid(source: object, kind: Kind = Kind.FULL, parent: Program | None = None) -> Program:
    validation = checked(source, kind, parent)
    assert validation.program is not None, validation.problems
    return validation.program


def codes(validation: Validation) -> list[str]:
    return [str(problem.code) for problem in validation.problems]


def run(
    source: Program,
    data: Mapping[str, object] | None = None,
    facts: Mapping[str, object] | None = None,
    variables: Mapping[str, object] | None = None,
) -> Outcome:
    """Run by both executors, and return the outcome they must agree on; a RunError likewise."""
    arguments = (facts or {}, data or {}, source.variables if variables is None else variables)
    try:
        expected = interpret(source, *arguments, trace=Trace())
    except RunError as error:
        _assert_the_compiler_agrees(source, arguments, error)
        raise
    found = compile_program(source).run(*arguments)
    assert repr(found) == repr(expected)
    return found


def _assert_the_compiler_agrees(
    source: Program, arguments: tuple[Mapping[str, object], ...], expected: RunError
) -> None:
    """Check that the compiled function alone tells the code and the place of a failure."""
    compiled = compile_program(source)
    with pytest.raises(RunError) as caught:
        compiled.run(*arguments)
    cause = caught.value.__cause__
    assert isinstance(cause, Exception)
    assert compiled.failure_of(cause) == (expected.code, expected.level, expected.path)


def both_answers(compiled: CompiledProgram, arguments: tuple[Any, Any, Any]) -> tuple[object, object]:
    """Return what the interpreter and the compiled function alone make of a run, comparable."""
    try:
        expected: object = repr(interpret(compiled.program, *arguments))
    except RunError as error:
        expected = (str(error.code), error.level, error.path)
    try:
        found: object = repr(compiled.run(*arguments))
    except RunError as error:
        # The cause is what the function raised; the error itself is the interpreter's, or says that they disagree
        found = compiled.failure_of(cast("Exception", error.__cause__))
        if error.code is Code.DSL_UNEXPECTED:
            found = error.message
    return expected, found


def points_of(value: object, data: Mapping[str, object] | None = None, **facts: object) -> int | float:
    """Return the points that an expression gives."""
    named = {path.replace("__", "."): fact for path, fact in facts.items()}
    return run(full(always(assign(value))), data, named).points


def holds(condition: object, data: Mapping[str, object] | None = None) -> bool:
    """Return whether a condition holds."""
    return run(full(rule(condition, assign(1))), data).kind == "award"


def error_of(source: Program, data: Mapping[str, object] | None = None, **more: Any) -> RunError:
    """Return the error with which a run fails, by both executors."""
    with pytest.raises(RunError) as caught:
        run(source, data, **more)
    return caught.value


def code_of(value: object, data: Mapping[str, object] | None = None) -> str:
    """Return the code with which an expression fails."""
    return error_of(full(always(assign(value))), data).code
