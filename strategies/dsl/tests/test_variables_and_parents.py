"""Variables, their overrides, and programs around a parent."""

from __future__ import annotations

import pytest

from strategies.dsl import DslError, Kind, RunError, compile_program, interpret
from strategies.dsl.tests.writing import (
    add,
    always,
    arith,
    assign,
    callback,
    checked,
    codes,
    error_of,
    extend,
    field,
    full,
    program,
    rule,
    run,
    set_case,
    set_data,
    set_points,
    valid,
    var,
    veto,
)

STEPPED = full(
    always(assign(var("n"))),
    variables={"n": {"value": 10, "min": 0, "max": 50, "step": 0.1, "description": "d"}, "t": "x", "b": True},
)


def test_overrides_are_laid_over_the_defaults() -> None:
    assert STEPPED.resolve_variables({"n": 0.3}) == {"n": 0.3, "t": "x", "b": True}
    assert STEPPED.variables["n"] == 10


@pytest.mark.parametrize(
    ("overrides", "code"),
    [
        ({"m": 1}, "DSL_VARIABLE_UNKNOWN"),
        ({"n": "1"}, "DSL_VARIABLE_TYPE"),
        ({"n": True}, "DSL_VARIABLE_TYPE"),
        ({"n": None}, "DSL_VARIABLE_TYPE"),
        ({"b": 1}, "DSL_VARIABLE_TYPE"),
        ({"t": 1}, "DSL_VARIABLE_TYPE"),
        ({"n": -0.1}, "DSL_VARIABLE_RANGE"),
        ({"n": 50.1}, "DSL_VARIABLE_RANGE"),
        ({"n": 0.35}, "DSL_VARIABLE_RANGE"),
        ({"n": float("nan")}, "DSL_NUMBER_RANGE"),
        ({"n": 10**400}, "DSL_NUMBER_RANGE"),
        ({"t": "x" * 1025}, "DSL_LIMIT_TEXT"),
        ({"t": "a\0"}, "DSL_LIMIT_TEXT"),
    ],
)
def test_an_override_that_does_not_fit_is_refused(overrides: dict[str, object], code: str) -> None:
    with pytest.raises(DslError) as caught:
        STEPPED.resolve_variables(overrides)
    assert caught.value.code == code
    (problem,) = caught.value.problems
    assert problem.path == f"variables/{next(iter(overrides))}"


def test_all_overrides_that_do_not_fit_are_named() -> None:
    with pytest.raises(DslError) as caught:
        STEPPED.resolve_variables({"nn": 1, "t": 2, "n": 99})
    assert [problem.code for problem in caught.value.problems] == [
        "DSL_VARIABLE_UNKNOWN",
        "DSL_VARIABLE_TYPE",
        "DSL_VARIABLE_RANGE",
    ]


def test_a_run_is_given_variables_and_holds_them_to_their_type() -> None:
    assert run(STEPPED, variables={"n": 3}).points == 3
    assert run(STEPPED, variables={}).points == 10
    error = error_of(STEPPED, variables={"n": "3"})
    assert (error.code, error.path) == ("DSL_VARIABLE_TYPE", "rules/0/then/0/value")


PARENT = full(always(assign(arith(var("a"), "+", var("b")), "P")), variables={"a": 1, "b": 10})


def test_parent_variables_are_laid_over_the_parent_s() -> None:
    child = extend(PARENT, parent_variables={"a": 5})
    assert child.variables == {"a": 5, "b": 10}
    assert run(child).points == 15
    assert PARENT.variables == {"a": 1, "b": 10}


@pytest.mark.parametrize(
    ("parent_variables", "code"),
    [
        ({"c": 1}, "DSL_VARIABLE_UNKNOWN"),
        ({"a": "1"}, "DSL_VARIABLE_TYPE"),
        ({"a": True}, "DSL_VARIABLE_TYPE"),
    ],
)
def test_parent_variables_must_exist_and_keep_their_type(
    parent_variables: dict[str, object], code: str
) -> None:
    found = checked(program(parent_variables=parent_variables), Kind.EXTEND, PARENT)
    assert codes(found) == [code]
    assert found.problems[0].path == f"parent_variables/{next(iter(parent_variables))}"


def test_a_run_s_variables_reach_the_parent_unless_a_nearer_program_has_the_name() -> None:
    child = extend(
        PARENT,
        variables={"a": 100},
        parent_variables={"a": 2},
        post_rules=[always(set_points(arith(field("result.points"), "+", var("a"))))],
    )
    assert child.variables == {"a": 100, "b": 10}
    assert run(child).points == 2 + 10 + 100
    assert run(child, variables=child.resolve_variables({"a": 1000, "b": 20})).points == 2 + 20 + 1000


def test_the_nearest_parent_variables_win() -> None:
    middle = extend(PARENT, parent_variables={"a": 2, "b": 20})
    child = extend(middle, parent_variables={"a": 3})
    assert child.variables == {"a": 3, "b": 20}
    assert run(child).points == 23


def test_an_override_of_a_parent_s_variable_by_a_game_reaches_it_through_the_chain() -> None:
    child = extend(extend(PARENT))
    assert run(child, variables=child.resolve_variables({"b": 0})).points == 1


def test_an_extend_program_runs_its_parent_between_its_own_rules() -> None:
    parent = full(
        always(
            assign(field("data.x"), "Body"),
        ),
        pre_rules=[always(callback("parent_pre", 1))],
    )
    child = extend(
        parent,
        pre_rules=[always(set_data("x", 7), callback("child_pre", 1))],
        post_rules=[
            always(
                set_points(arith(field("result.points"), "*", 2)), callback("seen", field("result.case_name"))
            )
        ],
    )
    assert run(child, {"x": 1})[:4] == (
        "award",
        14,
        "Body",
        {"child_pre": 1, "parent_pre": 1, "seen": "Body"},
    )


def test_a_parent_s_set_data_is_not_seen_by_the_child() -> None:
    parent = full(always(assign(field("data.x"))), pre_rules=[always(set_data("x", 2))])
    child = extend(parent, post_rules=[always(callback("x", field("data.x")))])
    assert run(child, {"x": 1})[:4] == ("award", 2, "C", {"x": 1})


def test_a_veto_of_the_parent_skips_the_child_s_post_rules() -> None:
    child = extend(full(always(veto("Stop"))), post_rules=[always(set_points(5))])
    assert run(child)[:3] == ("veto", 0, "Stop")


def test_a_parent_that_gave_no_points_gave_no_case_either() -> None:
    parent = full(post_rules=[always(set_case("Lost"))])
    child = extend(parent, post_rules=[always(set_points(1), callback("case", field("result.case_name")))])
    assert run(child)[:4] == ("award", 1, None, {"case": None})


def test_steps_count_from_the_least_value() -> None:
    odd = full(always(assign(var("n"))), variables={"n": {"value": 1, "min": 1, "step": 2}})
    assert odd.resolve_variables({"n": 3}) == {"n": 3}
    with pytest.raises(DslError) as caught:
        odd.resolve_variables({"n": 2})
    assert caught.value.code == "DSL_VARIABLE_RANGE"


def test_bonuses_of_the_parent_are_kept() -> None:
    child = extend(full(always(add(3, "X"))), post_rules=[always(set_points(5), set_case("Y"))])
    assert run(child)[:5] == ("award", 5, "Y", {}, (("X", 3),))


def test_a_program_knows_what_its_chain_needs() -> None:
    parent = full(
        rule(field("user.streak_days"), assign(field("data.a"), "A"), add(1, "L")),
        default=veto("Z"),
        pre_rules=[always(veto("P"))],
    )
    child = extend(
        parent,
        pre_rules=[rule(field("event.hour"), set_data("c", 1), veto("First"))],
        post_rules=[
            rule(
                field("data.b"),
                set_case("Post"),
                set_case(field("data.d")),
                set_points(field("result.points")),
            )
        ],
    )
    assert child.fields == {"user.streak_days", "event.hour"}
    assert child.cost.fields == ("event.hour", "user.streak_days")
    assert child.data_keys == {"a", "b", "c", "d"}
    assert child.case_names == ("First", "P", "A", "L", "Z", "Post")


def test_an_extend_program_without_parent_validates_and_does_not_run() -> None:
    orphan = valid(program(post_rules=[always(set_points(1))], parent_variables={"any": 1}), Kind.EXTEND)
    assert orphan.parent is None
    for attempt in (lambda: interpret(orphan, {}, {}, {}), lambda: compile_program(orphan)):
        with pytest.raises(RunError) as caught:
            attempt()
        assert caught.value.code == "DSL_PARENT_MISSING"


def test_a_child_of_an_orphan_does_not_run_either() -> None:
    child = extend(valid(program(), Kind.EXTEND))
    assert not child.runnable


def test_a_full_program_has_no_parent() -> None:
    assert codes(checked(program(), Kind.FULL, PARENT)) == ["DSL_PARENT_NOT_ALLOWED"]


@pytest.mark.parametrize("text", ["FULL", "DSL_FULL", "EXTEND", "DSL_EXTEND"])
def test_kinds_are_parsed_with_and_without_prefix(text: str) -> None:
    assert Kind.parse(text).value.endswith(text.removeprefix("DSL_"))
    with pytest.raises(ValueError, match="OTHER"):
        Kind.parse("OTHER")


def test_programs_are_compared_by_identity() -> None:
    again = valid(PARENT.source)
    assert again.digest == PARENT.digest
    assert again != PARENT
