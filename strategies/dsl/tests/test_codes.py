"""Every code of the registry is produced by something, and none of ours is outside the registry."""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from strategies.dsl import Code, DslError, Kind, Limits, RunError, Stage, compile_program, prepare_data
from strategies.dsl.tests.test_validation import WARNED
from strategies.dsl.tests.writing import (
    add,
    always,
    arith,
    assign,
    call,
    callback,
    checked,
    codes,
    compare,
    error_of,
    extend,
    field,
    full,
    lit,
    program,
    rule,
    set_case,
    set_points,
    valid,
    var,
)

PARENT = full(
    always(assign(var("v"))), variables={"v": {"value": 1, "max": 5}}, inputs={"a": {"type": "text"}}
)


def deepest() -> Any:
    made = full()
    for _ in range(3):
        made = extend(made)
    return made


VALIDATION: dict[str, Callable[[], Any]] = {
    "DSL_SHAPE": lambda: checked([]),
    "DSL_TEXT": lambda: checked(program(id="\0")),
    "DSL_UNKNOWN_NODE": lambda: checked(program({"type": "loop"})),
    "DSL_NODE_NOT_ALLOWED_HERE": lambda: checked(program(lit(1))),
    "DSL_STATEMENT_NOT_ALLOWED_HERE": lambda: checked(program(always(set_points(1)))),
    "DSL_SECTION_NOT_ALLOWED": lambda: checked(program(default=assign(1)), Kind.EXTEND),
    "DSL_FIELD_PATH_NOT_ALLOWED": lambda: checked(program(rule(field("user.x"), assign(1)))),
    "DSL_PARENT_FIELD_OUTSIDE_POST": lambda: checked(program(rule(field("parent.points"), assign(1)))),
    "DSL_MASKED_FIELD": lambda: checked(program(rule(field("data.x"), assign(1))), masked_keys=["x"]),
    "DSL_INPUT_UNKNOWN": lambda: checked(program(rule(field("data.x"), assign(1)), inputs={})),
    "DSL_INPUT_CONFLICT": lambda: checked(program(inputs={"a": {"type": "number"}}), Kind.EXTEND, PARENT),
    "DSL_VARIABLE_UNKNOWN": lambda: checked(program(rule(var("x"), assign(1)))),
    "DSL_VARIABLE_TYPE": lambda: checked(program(parent_variables={"v": True}), Kind.EXTEND, PARENT),
    "DSL_VARIABLE_RANGE": lambda: checked(program(parent_variables={"v": 6}), Kind.EXTEND, PARENT),
    "DSL_ARITH_OP_NOT_ALLOWED": lambda: checked(program(always(assign(arith(1, "%", 2))))),
    "DSL_COMPARE_OP_NOT_ALLOWED": lambda: checked(program(rule(compare(1, "in", 2), assign(1)))),
    "DSL_FUNC_NAME_NOT_ALLOWED": lambda: checked(program(always(assign(call("eval", 1))))),
    "DSL_FUNC_ARITY_MISMATCH": lambda: checked(program(always(assign(call("int"))))),
    "DSL_CASE_NAME": lambda: checked(program(always(assign(1, "")))),
    "DSL_NUMBER_RANGE": lambda: checked(program(always(assign(1e999)))),
    "DSL_LIMIT_NODES": lambda: checked(program(), limits=Limits(max_nodes=0)),
    "DSL_LIMIT_DEPTH": lambda: checked(program(always(assign(1))), limits=Limits(max_depth=2)),
    "DSL_LIMIT_SIZE": lambda: checked(program(), limits=Limits(max_size_bytes=10)),
    "DSL_LIMIT_TEXT": lambda: checked(program(rule("x" * 1025, assign(1)))),
    "DSL_PARENT_CHAIN": lambda: checked(program(), Kind.EXTEND, deepest()),
    "DSL_PARENT_NOT_ALLOWED": lambda: checked(program(), Kind.FULL, PARENT),
}

INPUTS = full(inputs={"a": {"type": "number", "required": True}})

RUN: dict[str, Callable[[], DslError]] = {
    "DSL_PARENT_MISSING": lambda: _raised(lambda: compile_program(valid(program(), Kind.EXTEND))),
    "DSL_INPUT_MISSING": lambda: _raised(lambda: prepare_data(INPUTS, {})),
    "DSL_INPUT_TYPE": lambda: error_of(INPUTS, {"a": "1"}),
    "DSL_FACT_TYPE": lambda: error_of(full(rule(field("event.hour"), assign(1))), facts={"event.hour": "9"}),
    "DSL_VARIABLE_TYPE": lambda: error_of(PARENT, variables={"v": "1"}),
    "DSL_ARITH_TYPE_MISMATCH": lambda: error_of(full(always(assign(arith("a", "+", 1))))),
    "DSL_ARITH_DIV_BY_ZERO": lambda: error_of(full(always(assign(arith(1, "/", 0))))),
    "DSL_COMPARE_TYPE_MISMATCH": lambda: error_of(full(rule(compare("a", "<", 1), assign(1)))),
    "DSL_FUNC_ARGUMENT": lambda: error_of(full(always(assign(call("abs", "a"))))),
    "DSL_ASSIGN_POINTS_NOT_NUMBER": lambda: error_of(full(always(assign("a")))),
    "DSL_ADD_POINTS_NOT_NUMBER": lambda: error_of(full(always(add("a")))),
    "DSL_SET_POINTS_NOT_NUMBER": lambda: error_of(full(post_rules=[always(set_points("a"))])),
    "DSL_SET_CASE_NAME_NOT_STRING": lambda: error_of(full(post_rules=[always(set_case(1))])),
    "DSL_CASE_NAME": lambda: error_of(full(post_rules=[always(set_case(""))])),
    "DSL_NUMBER_RANGE": lambda: error_of(full(always(assign(1e12)))),
    "DSL_CALLBACK_TOO_LARGE": lambda: error_of(
        full(always(callback("a", field("data.a")))), {"a": "x" * 9000}
    ),
    "DSL_UNEXPECTED": lambda: _raised(_disagreeing()),
}


def _raised(attempt: Callable[[], object]) -> DslError:
    with pytest.raises(DslError) as caught:
        attempt()
    return caught.value


def _disagreeing() -> Callable[[], object]:
    """Return the run of a broken compiled function: it fails where the interpreter does not."""
    compiled = compile_program(full(always(assign(field("data.x")))))
    compiled._function.__globals__["float"] = None
    return lambda: compiled.run({}, {"x": 1.5}, {})


@pytest.mark.parametrize("code", VALIDATION)
def test_validation_produces(code: str) -> None:
    assert code in codes(VALIDATION[code]())


@pytest.mark.parametrize("code", RUN)
def test_a_run_produces(code: str) -> None:
    assert RUN[code]().code == code


def test_no_code_is_forgotten() -> None:
    produced = {
        Stage.VALIDATION: set(VALIDATION) - set(RUN),
        Stage.RUN: set(RUN) - set(VALIDATION),
        Stage.BOTH: set(VALIDATION) & set(RUN),
        Stage.WARNING: {code for _, code, _ in WARNED},
    }
    for stage, found in produced.items():
        assert found == {str(code) for code in Code if code.stage is stage}, stage


def test_a_disagreement_of_the_executors_is_loud_and_names_both() -> None:
    error = _raised(_disagreeing())
    assert isinstance(error, RunError)
    assert error.params["compiled"] == "DSL_ASSIGN_POINTS_NOT_NUMBER"
    assert error.params["interpreted"] == "no error"


def test_codes_are_written_as_members_and_never_as_text() -> None:
    for path in Path(__file__).parents[1].glob("*.py"):
        if path.name == "errors.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            text = node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""
            assert not (
                text.startswith("DSL_") and " " not in text and text not in {"DSL_", "DSL_FULL", "DSL_EXTEND"}
            ), path
