"""What programs mean, each claim by both executors."""

from __future__ import annotations

import pytest

from strategies.dsl import Program
from strategies.dsl.tests.writing import (
    add,
    always,
    arith,
    assign,
    both,
    call,
    callback,
    code_of,
    compare,
    either,
    error_of,
    field,
    full,
    holds,
    leave,
    lit,
    negated,
    points_of,
    rule,
    run,
    set_case,
    set_data,
    set_points,
    veto,
)


@pytest.mark.parametrize(
    ("expression", "points"),
    [
        (arith(1, "+", 2), 3),
        (arith(7, "/", 2), 3.5),
        (arith(6, "/", 3), 2.0),
        (arith(1, "min", 1.0), 1),
        (arith(1.0, "max", 1), 1.0),
        (call("int", -2.7), -2),
        (call("int", True), 1),
        (call("int", "+0012"), 12),
        (call("clamp", 5, 10, 1), 10),
        (call("clamp", 5, 1, 10), 5),
        (call("round", 2.5, 0), 2.0),
        (call("round", 3.5, 0), 4.0),
        (call("round", 1.005, 2), 1.0),
        (call("round", 7, 3), 7),
        (call("round", 7.25, 1.0), 7.2),
        (call("abs", -3), 3),
        (1.00000049, 1.0),
        (1.0000016, 1.000002),
        (0.0000005, 0.0),
        (-0.0000001, 0.0),
        (-7, -7),
        (999_999_999_999.5, 999_999_999_999.5),
    ],
)
def test_expression_gives(expression: object, points: float) -> None:
    found = points_of(expression)
    assert (repr(found), type(found)) == (repr(points), type(points))


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        (arith("a", "+", 1), "DSL_ARITH_TYPE_MISMATCH"),
        (arith("ab", "*", 3), "DSL_ARITH_TYPE_MISMATCH"),
        (arith(True, "+", 1), "DSL_ARITH_TYPE_MISMATCH"),
        (arith(None, "max", 1), "DSL_ARITH_TYPE_MISMATCH"),
        (arith(1, "/", 0.0), "DSL_ARITH_DIV_BY_ZERO"),
        (arith(True, "/", 0), "DSL_ARITH_TYPE_MISMATCH"),
        (arith(1e15, "+", 1), "DSL_NUMBER_RANGE"),
        (arith(-1e15, "-", 1), "DSL_NUMBER_RANGE"),
        (arith(1e15, "*", 1e15), "DSL_NUMBER_RANGE"),
        (arith(1, "/", 1e-16), "DSL_NUMBER_RANGE"),
        (1e12, "DSL_NUMBER_RANGE"),
        (-1e12, "DSL_NUMBER_RANGE"),
        (call("int", "9" * 31), "DSL_NUMBER_RANGE"),
        (call("int", "9" * 32), "DSL_FUNC_ARGUMENT"),
        (call("int", "1_0"), "DSL_FUNC_ARGUMENT"),
        (call("int", "1\n"), "DSL_FUNC_ARGUMENT"),
        (call("int", "١"), "DSL_FUNC_ARGUMENT"),
        (call("int", ""), "DSL_FUNC_ARGUMENT"),
        (call("int", None), "DSL_FUNC_ARGUMENT"),
        (call("abs", True), "DSL_FUNC_ARGUMENT"),
        (call("clamp", "5", 1, 10), "DSL_FUNC_ARGUMENT"),
        (call("round", 1.5, 10), "DSL_FUNC_ARGUMENT"),
        (call("round", 1.5, -1), "DSL_FUNC_ARGUMENT"),
        (call("round", 1.5, 0.5), "DSL_FUNC_ARGUMENT"),
        (call("round", 1.5, True), "DSL_FUNC_ARGUMENT"),
        ("1", "DSL_ASSIGN_POINTS_NOT_NUMBER"),
        (True, "DSL_ASSIGN_POINTS_NOT_NUMBER"),
        (None, "DSL_ASSIGN_POINTS_NOT_NUMBER"),
    ],
)
def test_expression_fails(expression: object, code: str) -> None:
    assert code_of(expression) == code


@pytest.mark.parametrize(
    ("expression", "points"),
    [
        (arith(call("clamp", field("data.x"), 9e14, 1e15), "-", call("clamp", field("data.x"), -1e15, -9e14)), None),
        (arith(call("clamp", field("data.x"), -5, 5), "-", call("clamp", field("data.x"), -3, 3)), 2),
        (arith(call("clamp", field("data.x"), 1e7, 1e8), "*", call("clamp", field("data.x"), -1e8, -1e7)), None),
        (arith(call("clamp", field("data.x"), -3, 5), "*", call("clamp", field("data.x"), -4, 2)), 10),
        (arith(arith(field("data.x"), "min", 10**15), "max", 4), 1e9),
    ],
    ids=range(5),
)  # fmt: skip
def test_a_check_of_the_range_that_is_left_out_could_not_have_failed(
    expression: object, points: object
) -> None:
    if points is None:
        assert code_of(expression, {"x": 1e9}) == "DSL_NUMBER_RANGE"
    else:
        assert points_of(expression, {"x": 1e9}) == points


def test_a_difference_of_bounded_numbers_is_checked_where_the_bounds_add_up() -> None:
    apart = arith(call("clamp", field("data.x"), 0, 9e14), "-", call("clamp", field("data.y"), -9e14, 0))
    assert code_of(apart, {"x": 1e15, "y": -1e15}) == "DSL_NUMBER_RANGE"


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 10**400, -(10**16), 1e300])
@pytest.mark.parametrize(
    "expression",
    [
        field("data.x"),
        arith(field("data.x"), "+", 1),
        arith(1, "*", field("data.x")),
        arith(field("data.x"), "max", 10**15),
        call("int", field("data.x")),
        call("abs", field("data.x")),
        call("round", field("data.x"), 2),
        call("clamp", 5, field("data.x"), field("data.x")),
    ],
    ids=str,
)
def test_a_number_beyond_the_range_is_never_computed_with(expression: object, value: float) -> None:
    if expression == arith(field("data.x"), "max", 10**15) and value == -(10**16):
        assert run(full(rule(compare(expression, "==", 1e15), assign(1))), {"x": value}).points == 1
    else:
        assert code_of(expression, {"x": value}) == "DSL_NUMBER_RANGE"


@pytest.mark.parametrize(
    ("condition", "held"),
    [
        (compare(1, "==", 1.0), True),
        (compare(1, "==", "1"), False),
        (compare(True, "==", 1), True),
        (compare(None, "==", None), True),
        (compare(None, "!=", 0), True),
        (compare(None, "<", 1), False),
        (compare(1, ">=", None), False),
        (compare(None, "<=", None), False),
        (compare("a", "<", None), False),
        (compare("a", "<", "b"), True),
        (compare(True, ">", 0.5), True),
        (compare(False, "<", True), True),
        (negated(compare(None, "<", 1)), True),
        (None, False),
        (0, False),
        (0.0, False),
        ("", False),
        ("false", True),
        (-1, True),
        (both(True, 1, "x"), True),
        (both(True, 0, 1), False),
        (either(0, "", None), False),
        (either(0, "x"), True),
    ],
)
def test_condition_holds(condition: object, held: bool) -> None:
    assert holds(condition) is held


@pytest.mark.parametrize(
    ("value", "held"), [([], False), ([0], True), ({}, False), ({"a": 0}, True), ("", False)]
)
def test_a_bare_field_is_true_unless_empty(value: object, held: bool) -> None:
    assert holds(field("data.x"), {"x": value}) is held


@pytest.mark.parametrize(
    ("left", "right"), [("a", 1), (1, "a"), ([1], [2]), ({}, {}), ([1], 1), (1, {}), ("a", []), (True, "x")]
)
def test_ordering_of_different_kinds_fails(left: object, right: object) -> None:
    source = full(rule(compare(field("data.l"), "<", field("data.r")), assign(1)))
    error = error_of(source, {"l": left, "r": right})
    assert (error.code, error.path) == ("DSL_COMPARE_TYPE_MISMATCH", "rules/0/when")


def test_an_operand_after_the_decisive_one_is_not_evaluated() -> None:
    failing = compare(arith(1, "/", field("data.zero")), "==", 1)
    assert not holds(both(False, failing), {"zero": 0})
    assert holds(either(True, failing), {"zero": 0})


def test_a_field_that_a_skipped_operand_names_can_be_read_afterwards() -> None:
    otherwise = {"else": [assign(field("data.b"))]}
    source = full(rule(both(either(field("data.a"), field("data.b")), field("data.c")), leave(), **otherwise))
    assert run(source, {"a": 1, "b": 7, "c": 0}).points == 7
    source = full(
        rule(either(both(field("data.a"), field("data.b")), field("data.c")), assign(field("data.b")))
    )
    assert run(source, {"a": 0, "b": 7, "c": 1}).points == 7


def test_both_sides_are_evaluated_even_if_the_first_is_null() -> None:
    source = full(rule(compare(field("data.null"), "<", arith(1, "/", field("data.zero"))), assign(1)))
    assert error_of(source, {"null": None, "zero": 0}).path == "rules/0/when/right"


def test_operands_are_evaluated_before_they_are_checked() -> None:
    source = full(always(assign(arith(field("data.text"), "+", arith(1, "/", 0)))))
    assert error_of(source, {"text": "a"}).code == "DSL_ARITH_DIV_BY_ZERO"


def test_the_first_branch_that_holds_runs_and_no_other() -> None:
    branches = {
        "else_if": [
            {"when": field("data.b"), "then": [assign(2, "Second")]},
            {"when": field("data.c"), "then": [assign(3, "Third")]},
        ],
        "else": [assign(4, "Fourth")],
    }
    source = full(rule(field("data.a"), assign(1, "First"), **branches))
    cases = [run(source, {key: True}).case_name for key in ("a", "b", "c", "none")]
    assert cases == ["First", "Second", "Third", "Fourth"]


def test_a_branch_that_does_not_halt_falls_through_to_the_next_rule_and_default() -> None:
    source = full(always(callback("a", 1)), rule(False, assign(1)), default=assign(9, "D"))
    assert run(source)[:4] == ("award", 9, "D", {"a": 1})


def test_return_halts_the_section_and_suppresses_the_default() -> None:
    outcome = run(full(always(leave()), always(assign(1)), default=assign(9)))
    assert outcome.kind == "no_award"


def test_return_in_pre_rules_halts_these_only() -> None:
    source = full(default=assign(9), pre_rules=[always(leave()), always(veto())])
    assert run(source).points == 9


def test_points_are_the_assigned_ones_plus_the_bonuses_and_bonuses_are_listed() -> None:
    source = full(always(add(1.5, "X"), add(2, "Y")), always(assign(10, "C")), always(add(99)))
    assert run(source)[:5] == ("award", 13.5, "C", {}, (("X", 1.5), ("Y", 2)))


def test_with_bonuses_only_the_case_is_the_last_label() -> None:
    assert run(full(always(add(1, "X"), add(2, "Y"))))[:3] == ("award", 3, "Y")


def test_a_bonus_then_the_default() -> None:
    assert run(full(always(add(1)), default=assign(5, "D")))[:3] == ("award", 6, "D")


def test_without_points_there_is_no_award_but_callback_data() -> None:
    source = full(always(callback("a", 1)), post_rules=[always(set_case("X"))])
    assert run(source)[:5] == ("no_award", 0, None, {"a": 1}, ())


@pytest.mark.parametrize(
    "source",
    [
        full(always(assign(1)), pre_rules=[always(veto("Banned"))], post_rules=[always(set_points(5))]),
        full(always(add(3), veto("Banned")), post_rules=[always(set_points(5))]),
        full(always(add(3)), default=veto("Banned"), post_rules=[always(set_points(5))]),
    ],
    ids=["pre_rules", "rules", "default"],
)
def test_a_veto_anywhere_gives_nothing_and_skips_post_rules(source: Program) -> None:
    assert run(source)[:5] == ("veto", 0, "Banned", {}, ())


def test_callback_data_survives_a_veto() -> None:
    assert run(full(always(callback("why", "late"), veto()))).callback_data == {"why": "late"}


def test_post_rules_start_from_the_result_which_stays_frozen() -> None:
    source = full(
        always(assign(5, "Body")),
        post_rules=[
            always(set_points(arith(field("result.points"), "+", 1))),
            always(set_points(arith(field("parent.points"), "*", 10)), set_case("After")),
            rule(
                compare(field("result.case_name"), "==", "Body"), callback("seen", field("parent.case_name"))
            ),
        ],
    )
    assert run(source)[:4] == ("award", 50, "After", {"seen": "Body"})


def test_post_rules_can_award_where_the_body_did_not() -> None:
    assert run(full(post_rules=[always(set_points(field("result.points")))]))[:3] == ("award", 0, None)


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (5, "DSL_SET_CASE_NAME_NOT_STRING"),
        (None, "DSL_SET_CASE_NAME_NOT_STRING"),
        ("", "DSL_CASE_NAME"),
        ("x" * 201, "DSL_CASE_NAME"),
        ("line\n", "DSL_CASE_NAME"),
        ("a\u200bb", "DSL_CASE_NAME"),
        ("\ud800", "DSL_CASE_NAME"),
    ],
)
def test_a_computed_case_name_is_checked(value: object, code: str) -> None:
    source = full(always(assign(1)), post_rules=[always(set_case(field("data.name")))])
    assert error_of(source, {"name": value}).code == code
    assert run(source, {"name": "x" * 200}).case_name == "x" * 200


def test_set_data_is_seen_by_later_rules_and_never_by_the_caller() -> None:
    source = full(
        always(assign(field("data.x"))),
        pre_rules=[always(set_data("x", 2)), always(set_data("x", arith(field("data.x"), "*", 3)))],
    )
    given = {"x": 1}
    assert run(source, given).points == 6
    assert given == {"x": 1}


@pytest.mark.parametrize(
    ("statement", "code"),
    [(add("x"), "DSL_ADD_POINTS_NOT_NUMBER"), (add(field("data.big")), "DSL_NUMBER_RANGE")],
)
def test_a_bonus_is_a_number_in_range(statement: dict[str, object], code: str) -> None:
    error = error_of(full(always(statement)), {"big": 1e16})
    assert (error.code, error.path) == (code, "rules/0/then/0")


def test_bonuses_that_sum_beyond_the_range_fail_at_the_program() -> None:
    error = error_of(full(always(add(1e15), add(1e15))))
    assert (error.code, error.path) == ("DSL_NUMBER_RANGE", "")


def test_set_points_is_a_number() -> None:
    source = full(post_rules=[always(set_points(True))])
    assert error_of(source).code == "DSL_SET_POINTS_NOT_NUMBER"


def test_callback_data_is_limited_whole() -> None:
    source = full(always(callback("text", field("data.x")), assign(1)))
    room = 8192 - len('{"text":""}')
    assert run(source, {"x": "a" * room}).points == 1
    error = error_of(source, {"x": "a" * (room + 1)})
    assert (error.code, error.params["size"]) == ("DSL_CALLBACK_TOO_LARGE", 8193)
    assert error_of(source, {"x": float("nan")}).code == "DSL_NUMBER_RANGE"
    assert error_of(source, {"x": ["\ud800"]}).code == "DSL_NUMBER_RANGE"


def test_callback_data_of_many_statements_is_measured_although_each_is_short() -> None:
    statements = [callback(f"key{i:04}" + "k" * 180, i) for i in range(43)]
    assert error_of(full(always(*statements))).code == "DSL_CALLBACK_TOO_LARGE"


def test_callback_data_may_hold_what_the_event_holds() -> None:
    source = full(always(callback("k", field("data.x")), assign(1)))
    assert run(source, {"x": [1, {"a": 2}]}).callback_data == {"k": [1, {"a": 2}]}


def test_nodes_are_counted_as_they_are_visited() -> None:
    # program 1, rule 1, and 1, bare field 2, compare 3 | rule 1, bare literal 2, assign 1, literal 1
    source = full(rule(both(field("data.a"), compare(1, "<", 2)), assign(1)), rule(True, assign(1)))
    assert run(source, {"a": False}).nodes == 1 + 1 + 1 + 2 + (1 + 2 + 1 + 1)
    assert run(source, {"a": True}).nodes == 1 + 1 + 1 + 2 + 3 + 2


def test_an_else_if_counts_when_it_is_tried() -> None:
    source = full(rule(field("data.a"), assign(1), else_if=[{"when": field("data.b"), "then": [assign(2)]}]))
    assert run(source, {"a": 1}).nodes == 1 + 1 + 2 + 2
    assert run(source, {"b": 1}).nodes == 1 + 1 + 2 + (1 + 2) + 2


def test_a_bare_variable_counts_once() -> None:
    source = full(rule({"type": "variable", "name": "v"}, assign(lit(1))), variables={"v": True})
    assert run(source).nodes == 1 + 1 + 1 + 2


def test_a_failed_run_counts_the_failing_node_and_those_that_hold_it() -> None:
    error = error_of(full(rule(False, assign(1)), always(assign(arith(1, "/", 0)))))
    assert (error.path, error.nodes) == ("rules/1/then/0/value", 1 + 3 + 3 + 1 + 3)


def test_the_author_s_id_names_the_failing_node() -> None:
    source = full(always(assign({**arith(1, "/", 0), "id": "ratio"})))
    error = error_of(source)
    assert (error.node_id, error.path) == ("ratio", "rules/0/then/0/value")


def test_event_data_nested_beyond_reason_is_an_error_with_a_code() -> None:
    left: list[object] = []
    right: list[object] = []
    for _ in range(100_000):
        left, right = [left], [right]
    source = full(rule(compare(field("data.l"), "==", field("data.r")), assign(1)))
    assert error_of(source, {"l": left, "r": right}).code == "DSL_UNEXPECTED"
