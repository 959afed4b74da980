"""Validation reports every problem at once, with its place and a hint."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.dsl import Kind, Severity
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
    either,
    field,
    full,
    leave,
    lit,
    program,
    rule,
    set_case,
    set_data,
    set_points,
    var,
    veto,
)


def test_all_problems_are_reported_at_once_each_at_its_place() -> None:
    source = program(
        rule(compare(field("user.avg_tme"), "=", 1), assign("x" * 2000), {"type": "asign_points"}),
        {"type": "rule", "when": lit(True), "then": []},
        always(assign(var("bse"), "")),
        variables={"base": 1, "2nd": 1},
        unknown=1,
    )
    found = [(str(problem.code), problem.path, problem.hint) for problem in checked(source).problems]
    assert found == [
        ("DSL_SHAPE", "", "Known keys are type, rules, id, default, pre_rules, post_rules, parent_variables, variables, inputs."),
        ("DSL_COMPARE_OP_NOT_ALLOWED", "rules/0/when", None),
        ("DSL_FIELD_PATH_NOT_ALLOWED", "rules/0/when/left", 'Did you mean "user.avg_time"?'),
        ("DSL_LIMIT_TEXT", "rules/0/then/0/value", None),
        ("DSL_UNKNOWN_NODE", "rules/0/then/1", 'Did you mean "assign_points"?'),
        ("DSL_SHAPE", "rules/1", None),
        ("DSL_CASE_NAME", "rules/2/then/0", None),
        ("DSL_SHAPE", "variables/2nd", None),
        ("DSL_VARIABLE_UNKNOWN", "rules/2/then/0/value", 'Did you mean "base"?'),
    ]  # fmt: skip


def test_a_problem_as_json_is_in_camel_case_and_names_the_author_s_id() -> None:
    source = program(always(assign({"type": "func_call", "id": "f", "name": "rond", "args": []})))
    (problem,) = checked(source).problems
    assert problem.as_json() == {
        "code": "DSL_FUNC_NAME_NOT_ALLOWED",
        "message": "There is no function 'rond'; there are int, clamp, round, abs.",
        "path": "rules/0/then/0/value",
        "nodeId": "f",
        "severity": "error",
        "params": {},
        "hint": 'Did you mean "round"?',
    }


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ([], "DSL_SHAPE"),
        ({}, "DSL_SHAPE"),
        ({"type": "program"}, "DSL_SHAPE"),
        ({"type": "rule", "rules": []}, "DSL_NODE_NOT_ALLOWED_HERE"),
        ({"type": "prgram", "rules": []}, "DSL_UNKNOWN_NODE"),
        (program(id=7), "DSL_SHAPE"),
        (program(id="x" * 101), "DSL_SHAPE"),
        (program(id="a\0"), "DSL_TEXT"),
        (program(always(assign(lit("\ud800")))), "DSL_TEXT"),
        (program(always(assign(lit([1])))), "DSL_SHAPE"),
        (program(always(assign(lit(1e16)))), "DSL_NUMBER_RANGE"),
        (program(always(assign(lit(float("nan"))))), "DSL_NUMBER_RANGE"),
        (program(always(assign(compare(1, "<", 2)))), "DSL_NODE_NOT_ALLOWED_HERE"),
        (program(rule(arith(1, "+", 2), assign(1))), "DSL_NODE_NOT_ALLOWED_HERE"),
        (program(always(always(assign(1)))), "DSL_NODE_NOT_ALLOWED_HERE"),
        (program(always(set_points(1))), "DSL_STATEMENT_NOT_ALLOWED_HERE"),
        (program(always(set_data("a", 1))), "DSL_STATEMENT_NOT_ALLOWED_HERE"),
        (program(always(set_case("a"))), "DSL_STATEMENT_NOT_ALLOWED_HERE"),
        (program(default=set_points(1)), "DSL_STATEMENT_NOT_ALLOWED_HERE"),
        (program(pre_rules=[always(assign(1))]), "DSL_STATEMENT_NOT_ALLOWED_HERE"),
        (program(pre_rules=[always(add(1))]), "DSL_STATEMENT_NOT_ALLOWED_HERE"),
        (program(post_rules=[always(veto())]), "DSL_STATEMENT_NOT_ALLOWED_HERE"),
        (program(post_rules=[always(add(1))]), "DSL_STATEMENT_NOT_ALLOWED_HERE"),
        (program(always(assign(field("result.points")))), "DSL_PARENT_FIELD_OUTSIDE_POST"),
        (program(pre_rules=[rule(field("parent.points"), veto())]), "DSL_PARENT_FIELD_OUTSIDE_POST"),
        (program(always(assign(field("data.a.b")))), "DSL_FIELD_PATH_NOT_ALLOWED"),
        (program(always(assign(field("data.a\n")))), "DSL_FIELD_PATH_NOT_ALLOWED"),
        (program(always(assign(field("data.é")))), "DSL_FIELD_PATH_NOT_ALLOWED"),
        (program(always(assign(arith(1, "**", 2)))), "DSL_ARITH_OP_NOT_ALLOWED"),
        (program(always(assign(call("clamp", 1)))), "DSL_FUNC_ARITY_MISMATCH"),
        (program(always(assign(1, "a\n"))), "DSL_CASE_NAME"),
        (program(always(assign(1, "x" * 201))), "DSL_CASE_NAME"),
        (program(always(add(1, ""))), "DSL_CASE_NAME"),
        (program(always(callback("", 1))), "DSL_SHAPE"),
        (program(always(callback("x" * 201, 1))), "DSL_SHAPE"),
        (program(always(callback("a\0", 1))), "DSL_TEXT"),
        (program(pre_rules=[always(set_data("a.b", 1))]), "DSL_SHAPE"),
        (program(pre_rules=[always(set_data("a\n", 1))]), "DSL_SHAPE"),
        (program({**always(assign(1)), "else": []}), "DSL_SHAPE"),
        (program({**always(assign(1)), "else_if": [{"when": lit(1)}]}), "DSL_SHAPE"),
        (program({**always(assign(1)), "else_if": [{"type": "x", "when": lit(1), "then": [leave()]}]}), "DSL_SHAPE"),
        (program(rule({"type": "and", "args": []}, leave())), "DSL_SHAPE"),
        (program(rule({"when": 1}, leave())), "DSL_SHAPE"),
        (program(parent_variables={"a": 1}), "DSL_SECTION_NOT_ALLOWED"),
        (program(parent_variables={"a": {"value": 1}}), "DSL_SHAPE"),
        (program(parent_variables={"a": None}), "DSL_SHAPE"),
        (program(variables=[]), "DSL_SHAPE"),
        (program(variables={"a b": 1}), "DSL_SHAPE"),
        (program(variables={"a\n": 1}), "DSL_SHAPE"),
        (program(variables={"a" * 65: 1}), "DSL_SHAPE"),
        (program(variables={"a": None}), "DSL_SHAPE"),
        (program(variables={"a": {}}), "DSL_SHAPE"),
        (program(variables={"a": {"value": "x", "min": 1}}), "DSL_SHAPE"),
        (program(variables={"a": {"value": 1, "min": 3, "max": 2}}), "DSL_SHAPE"),
        (program(variables={"a": {"value": 1, "step": 0}}), "DSL_SHAPE"),
        (program(variables={"a": {"value": 1, "max": 0}}), "DSL_VARIABLE_RANGE"),
        (program(variables={"a": {"value": 1, "max": 1e16}}), "DSL_NUMBER_RANGE"),
        (program(variables={"a": {"value": 1, "description": 3}}), "DSL_SHAPE"),
        (program(inputs=[]), "DSL_SHAPE"),
        (program(inputs={"a.b": {"type": "number"}}), "DSL_SHAPE"),
        (program(inputs={"a": {"type": "int"}}), "DSL_SHAPE"),
        (program(inputs={"a": {}}), "DSL_SHAPE"),
        (program(inputs={"a": {"type": "number", "default": "x"}}), "DSL_SHAPE"),
        (program(inputs={"a": {"type": "number", "default": True}}), "DSL_SHAPE"),
        (program(inputs={"a": {"type": "number", "required": 1}}), "DSL_SHAPE"),
    ],
    ids=str,
)  # fmt: skip
def test_rejected(source: Any, code: str) -> None:
    assert code in [str(problem.code) for problem in checked(source).errors]


@pytest.mark.parametrize("key", ["rules", "default"])
def test_an_extend_program_has_no_body_of_its_own(key: str) -> None:
    body = {"rules": [always(assign(1))]} if key == "rules" else {"default": assign(1)}
    found = checked({**program(), **body}, Kind.EXTEND)
    assert codes(found) == ["DSL_SECTION_NOT_ALLOWED"]
    assert found.problems[0].path == key


def test_empty_sections_are_allowed_everywhere() -> None:
    assert checked(
        program(parent_variables={}, default=None, pre_rules=[], post_rules=[], variables={})
    ).valid
    assert checked(program(default=None), Kind.EXTEND).valid


def test_ids_unknown_keys_and_text_of_any_script_are_fine_where_they_are_allowed() -> None:
    source = program(always(callback("a.b c/é", "\n\t"), assign(1, "Été · 測定")), id="プログラム")
    assert checked(source).problems == ()


WARNED = [
    (program(always(assign(1)), always(assign(2))), "DSL_UNREACHABLE", "rules/1"),
    (program(always(assign(1)), default=assign(2)), "DSL_UNREACHABLE", "default"),
    (program(always(assign(1), callback("a", 1))), "DSL_UNREACHABLE", "rules/0/then/1"),
    (program(rule(field("data.a"), leave(), **{"else": [veto()]}), default=leave()), "DSL_UNREACHABLE", "default"),
    (program(post_rules=[always(leave()), always(set_points(1))]), "DSL_UNREACHABLE", "post_rules/1"),
    (program(variables={"v": 1}), "DSL_VARIABLE_UNUSED", "variables/v"),
    (program(inputs={"v": {"type": "text"}}), "DSL_INPUT_UNUSED", "inputs/v"),
    (program(always(assign({**lit(1), "id": "a"})), id="a"), "DSL_DUPLICATE_ID", "rules/0/then/0/value"),
    (program(always(assign(arith(1, "/", 0)))), "DSL_ALWAYS_FAILS", "rules/0/then/0/value"),
    (program(always(assign(arith(field("data.x"), "/", 0.0)))), "DSL_ALWAYS_FAILS", "rules/0/then/0/value"),
    (program(always(assign(arith(field("externalUserId"), "+", 1)))), "DSL_ALWAYS_FAILS", "rules/0/then/0/value"),
    (program(always(assign(call("int", "x")))), "DSL_ALWAYS_FAILS", "rules/0/then/0/value"),
    (program(always(assign("x"))), "DSL_ALWAYS_FAILS", "rules/0/then/0"),
    (program(rule(compare("a", "<", 1), leave())), "DSL_ALWAYS_FAILS", "rules/0/when"),
    (program(rule(compare(var("t"), "<", field("user.streak_days")), leave()), variables={"t": "x"}), "DSL_ALWAYS_FAILS", "rules/0/when"),
    (program(post_rules=[always(set_case(arith(1, "+", 1)))]), "DSL_ALWAYS_FAILS", "post_rules/0/then/0"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "code", "path"), WARNED, ids=str)
def test_what_can_hardly_be_meant_is_a_warning_and_stays_valid(source: Any, code: str, path: str) -> None:
    found = checked(source)
    assert found.valid
    assert [(problem.code, problem.path, problem.severity) for problem in found.problems] == [
        (code, path, Severity.WARNING)
    ]


@pytest.mark.parametrize(
    "source",
    [
        program(rule(field("data.a"), assign(1)), always(assign(2))),
        program(always(callback("a", 1)), always(assign(2))),
        program(rule(False, assign(1)), default=assign(2)),
        program(rule(compare(field("user.avg_time"), "<", field("all.avg_time")), assign(1))),
        program(rule(compare(field("data.a"), "<", "x"), assign(field("data.b")))),
        program(rule(either(field("data.a"), compare(True, "<", 2)), assign(arith(1, "/", 2)))),
    ],
    ids=str,
)
def test_ordinary_programs_have_no_warning(source: Any) -> None:
    assert checked(source).problems == ()


def test_cost_and_digest_are_told_even_of_a_broken_program() -> None:
    broken = checked(program(rule(field("user.avg_time"), assign(1, ""))))
    assert not broken.valid
    assert broken.cost is not None
    assert broken.cost.as_json() == {"nodes": 6, "depth": 3, "fields": ["user.avg_time"]}
    assert broken.digest is not None
    assert len(broken.digest) == 64


def test_a_program_is_a_copy_that_later_changes_do_not_reach() -> None:
    source = program(always(assign(1)))
    validated = full(*source["rules"])
    source["rules"].clear()
    assert len(validated.source["rules"]) == 1  # type: ignore[arg-type]  # a list
