"""The ten deviations from GAME, each shown."""

from __future__ import annotations

from strategies.dsl import Kind, builtin_programs
from strategies.dsl.errors import Code
from strategies.dsl.fields import FACTS
from strategies.dsl.tests.writing import (
    add,
    always,
    arith,
    assign,
    call,
    callback,
    checked,
    code_of,
    codes,
    compare,
    error_of,
    extend,
    field,
    full,
    points_of,
    program,
    rule,
    run,
    set_case,
    set_data,
    set_points,
    var,
    veto,
)


def test_1_ordering_with_null_is_false_and_no_history_is_null() -> None:
    speed = full(rule(compare(field("user.avg_time"), "<", field("all.avg_time")), assign(10)))
    assert run(speed, facts={"user.avg_time": None, "all.avg_time": 5}).kind == "no_award"
    assert run(speed).kind == "no_award"
    assert FACTS["user.avg_time"].default is None


def test_2_arithmetic_is_for_numbers() -> None:
    for left, right in (("ab", 3), (3, "ab"), (True, 1), ("a", "b")):
        assert (
            code_of(arith(field("data.l"), "*", field("data.r")), {"l": left, "r": right})
            == "DSL_ARITH_TYPE_MISMATCH"
        )


def test_2_a_text_is_never_repeated_even_for_a_moment() -> None:
    assert code_of(arith(field("data.text"), "*", 10**15), {"text": "ab"}) == "DSL_ARITH_TYPE_MISMATCH"


def test_3_numbers_and_points_have_a_range_and_points_six_decimals() -> None:
    assert code_of(arith(10**15, "*", 2)) == "DSL_NUMBER_RANGE"
    assert code_of(10**12) == "DSL_NUMBER_RANGE"
    assert points_of(arith(1, "/", 3)) == 0.333333


def test_4_everything_has_a_code_and_every_code_says_what_it_means() -> None:
    assert code_of(call("int", "abc")) == "DSL_FUNC_ARGUMENT"
    assert all(code.description.endswith(".") and code.startswith("DSL_") for code in Code)


def test_5_set_data_is_visible_to_later_pre_rules_and_their_callback_data_survives() -> None:
    source = full(
        always(assign(1)),
        pre_rules=[always(set_data("x", 5)), rule(compare(field("data.x"), "==", 5), callback("seen", True))],
    )
    assert run(source).callback_data == {"seen": True}


def test_6_case_names_are_printable_checked_whole_and_at_run_time() -> None:
    assert checked(program(always(assign(1, "Überraschung №1")))).valid
    assert codes(checked(program(always(assign(1, "A\n"))))) == ["DSL_CASE_NAME"]
    late = full(always(assign(1)), post_rules=[always(set_case(field("data.name")))])
    assert error_of(late, {"name": "A\n"}).code == "DSL_CASE_NAME"


def test_7_pre_and_post_rules_run_around_a_full_program() -> None:
    source = full(
        always(assign(field("data.x"))),
        pre_rules=[always(set_data("x", 2))],
        post_rules=[always(set_points(arith(field("result.points"), "*", 10)))],
    )
    assert run(source).points == 20


def test_7_a_body_in_an_extend_program_is_an_error() -> None:
    assert codes(checked(program(always(assign(1))), Kind.EXTEND)) == ["DSL_SECTION_NOT_ALLOWED"]
    assert codes(checked(program(default=assign(1)), Kind.EXTEND)) == ["DSL_SECTION_NOT_ALLOWED"]


def test_8_parent_variables_exist_in_the_parent_and_keep_their_type() -> None:
    parent = full(always(assign(var("v"))), variables={"v": 1})
    assert run(extend(parent, parent_variables={"v": 7})).points == 7
    assert codes(checked(program(parent_variables={"w": 1}), Kind.EXTEND, parent)) == ["DSL_VARIABLE_UNKNOWN"]
    assert codes(checked(program(parent_variables={"v": "1"}), Kind.EXTEND, parent)) == ["DSL_VARIABLE_TYPE"]


def test_8_a_parent_may_be_any_strategy_or_a_built_in_one() -> None:
    assert run(extend(builtin_programs()["default"].program)).case_name == "BasicEngagement"
    assert run(extend(extend(full(always(assign(3)))))).points == 3


def test_9_sizes_are_limited() -> None:
    assert codes(checked(program(rule("x" * 1025, assign(1))))) == ["DSL_LIMIT_TEXT"]
    large = full(always(callback("k", field("data.x")), assign(1)))
    assert error_of(large, {"x": "y" * 9000}).code == "DSL_CALLBACK_TOO_LARGE"


def test_10_new_nodes_and_fields() -> None:
    source = full(
        rule(compare(field("user.points_total"), ">", var("most")), veto("TooMany")),
        rule(field("event.is_weekend"), add(call("round", call("abs", -1.26), 1), "Weekend")),
        default=veto("Nothing"),
        variables={"most": 100},
    )
    assert run(source, facts={"user.points_total": 101})[:3] == ("veto", 0, "TooMany")
    assert run(source, facts={"event.is_weekend": True})[:3] == ("veto", 0, "Nothing")
    assert run(full(always(add(call("round", call("abs", -1.26), 1), "W"))))[:3] == ("award", 1.3, "W")
