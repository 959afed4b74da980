"""Running a file of cases through validator, interpreter and compiler.

A case is a program with facts and the result that is expected, or a program and whether it is valid. The command
`dsl_cases` and the tests run the same cases by this module.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from strategies.dsl.compiler import compile_program
from strategies.dsl.errors import Code, DslError, RunError
from strategies.dsl.interpreter import interpret
from strategies.dsl.library import builtin_programs
from strategies.dsl.limits import DEFAULT_LIMITS, Limits
from strategies.dsl.outcome import Outcome
from strategies.dsl.program import Kind, Program
from strategies.dsl.validate import validate

KINDS = ("score", "validate", "builtin")


class CaseFileError(Exception):
    """The file cannot be read, or a case in it is not one."""


@dataclass(frozen=True, slots=True)
class Case:
    """One case as it stands in the file."""

    id: object
    name: str
    kind: str
    raw: Mapping[str, object]

    def __str__(self) -> str:
        """Return how differences name the case."""
        return f"case {self.id} ({self.name})"


def read_cases(path: Path) -> list[Case]:
    """Read a file of cases; raises CaseFileError with what is wrong with it."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CaseFileError(f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise CaseFileError(f"{path} is not JSON: {error}") from error
    if not isinstance(content, list):
        raise CaseFileError(f"{path} holds no list of cases")
    return [_case(raw, i) for i, raw in enumerate(content)]


def _case(raw: object, position: int) -> Case:
    where = f"case at position {position}"
    if not isinstance(raw, dict):
        raise CaseFileError(f"{where} is not an object")
    for complaint in _complaints(raw):
        raise CaseFileError(f"{where}: {complaint}")
    return Case(raw["id"], str(raw.get("name", "")), raw["kind"], raw)


def _complaints(raw: dict[str, Any]) -> Iterator[str]:
    """Yield why a case cannot be run."""
    kind = raw.get("kind")
    if kind not in KINDS:
        yield f"kind is one of {', '.join(KINDS)}"
    for key in ("id", "expect", "builtin" if kind == "builtin" else "program"):
        if key not in raw:
            yield f"{key} missing"
    for key in ("expect", "facts", "data", "variables", "limits"):
        if not isinstance(raw.get(key) or {}, dict):
            yield f"{key} is not an object"
    if kind == "builtin" and raw["builtin"] not in builtin_programs():
        yield f"there is no built-in strategy {raw['builtin']!r}"
    if raw.get("parent_builtin") is not None and raw["parent_builtin"] not in builtin_programs():
        yield f"there is no built-in strategy {raw['parent_builtin']!r}"
    if raw.get("type", "FULL") not in ("FULL", "EXTEND", *Kind):
        yield "type is FULL or EXTEND"
    yield from _validation_complaints(raw)


def _validation_complaints(raw: dict[str, Any]) -> Iterator[str]:
    if raw["kind"] == "validate" and not isinstance(raw["expect"].get("valid"), bool):
        yield "expect has no valid, true or false"
    for name, limit in (raw.get("limits") or {}).items():
        if name not in ("max_nodes", "max_depth") or type(limit) not in (int, type(None)):
            yield "limits are max_nodes and max_depth, integers or null"


def differences(case: Case) -> Iterator[str]:
    """Yield every way in which what is so differs from what the case expects; none if it passes."""
    if case.kind == "validate":
        yield from _validation_differences(case)
    else:
        yield from _run_differences(case)


def _expected(case: Case) -> Mapping[str, object]:
    return cast("Mapping[str, object]", case.raw["expect"])


def _object(case: Case, key: str) -> dict[str, object]:
    return cast("dict[str, object]", case.raw.get(key) or {})


def _kind(case: Case) -> Kind:
    return Kind.parse(str(case.raw.get("type", "FULL")))


def _limits(case: Case) -> Limits:
    given = {key: value for key, value in _object(case, "limits").items() if value is not None}
    return Limits(**cast("dict[str, int]", given)) if given else DEFAULT_LIMITS


def _validation_differences(case: Case) -> Iterator[str]:
    expected = _expected(case)
    validation = validate(case.raw["program"], kind=_kind(case), limits=_limits(case))
    codes = [str(problem.code) for problem in validation.errors]
    if validation.valid != expected["valid"]:
        yield f"valid: expected {expected['valid']}, found {validation.valid} {codes}"
    elif "code" in expected and expected["code"] not in codes:
        yield f"code: expected {expected['code']}, found {codes}"


def _run_differences(case: Case) -> Iterator[str]:
    try:
        program = _program(case)
        variables = program.resolve_variables(_object(case, "variables"))
    except DslError as error:
        if error.code != _expected(case).get("error"):
            yield f"validation: {error}"
        return
    facts, data = _object(case, "facts"), _object(case, "data")
    interpreted = _answer(lambda: interpret(program, facts, data, variables))
    compiled_program = compile_program(program)
    compiled = _answer(lambda: compiled_program.run(facts, data, variables))
    yield from _outcome_differences("interpreter", _expected(case), interpreted)
    yield from _outcome_differences("compiler", _expected(case), compiled)
    if (
        isinstance(interpreted, Outcome)
        and isinstance(compiled, Outcome)
        and interpreted.nodes != compiled.nodes
    ):
        yield f"nodes: the interpreter counts {interpreted.nodes}, the compiler {compiled.nodes}"


def _program(case: Case) -> Program:
    """Return the case's program, linked with its parent; raises DslError with the first problem."""
    if case.kind == "builtin":
        return builtin_programs()[str(case.raw["builtin"])].program
    parent = None
    if case.raw.get("parent_builtin") is not None:
        parent = builtin_programs()[str(case.raw["parent_builtin"])].program
    elif case.raw.get("parent_program") is not None:
        parent = _valid(case.raw["parent_program"], Kind.FULL, None)
    return _valid(case.raw["program"], _kind(case), parent)


def _valid(source: object, kind: Kind, parent: Program | None) -> Program:
    validation = validate(source, kind=kind, parent=parent)
    if validation.program is None:
        first = validation.problems[0]
        raise DslError(first.code, first.message, first.params, problems=validation.problems)
    return validation.program


def _answer(run: Callable[[], Outcome]) -> Outcome | Code:
    try:
        return run()
    except RunError as error:
        return error.code


def _outcome_differences(
    executor: str, expected: Mapping[str, object], found: Outcome | Code
) -> Iterator[str]:
    if isinstance(found, Code):
        if found != expected.get("error"):
            yield f"{executor}: expected {dict(expected)}, found error {found}"
        return
    if "error" in expected:
        yield f"{executor}: expected error {expected['error']}, found {found}"
        return
    answer = {"points": found.points, "case": found.case_name, "callback": found.callback_data}
    for key, value in expected.items():
        if answer.get(key) != value:
            yield f"{executor}: {key}: expected {value!r}, found {answer.get(key)!r}"
