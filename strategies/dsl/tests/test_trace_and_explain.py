"""What a trace holds, and what is said of it to people."""

from __future__ import annotations

import json
from contextlib import suppress

import pytest

from strategies.dsl import (
    RunError,
    Trace,
    builtin_programs,
    compile_program,
    example_programs,
    explain,
    interpret,
    tree,
)
from strategies.dsl.program import Program
from strategies.dsl.tests.writing import (
    add,
    always,
    arith,
    assign,
    both,
    callback,
    compare,
    either,
    extend,
    field,
    full,
    leave,
    lit,
    negated,
    rule,
    set_case,
    set_data,
    set_points,
    var,
    veto,
)

DEFAULT = builtin_programs()["default"].program
FACTS: dict[str, object] = {
    "task.measurements_count": 5,
    "user.measurements_count": 5,
    "user.avg_time": 42,
    "all.avg_time": 61,
    "user.last_window_diff": 1,
    "user.new_last_window_diff": 1,
}


def traced(
    program: Program, data: dict[str, object] | None = None, facts: dict[str, object] | None = None
) -> Trace:
    trace = Trace()
    with suppress(RunError):
        interpret(program, facts or {}, data or {}, program.variables, trace=trace)
    return trace


def sentences(
    program: Program, data: dict[str, object] | None = None, facts: dict[str, object] | None = None
) -> list[str]:
    trace = Trace()
    outcome = interpret(program, facts or {}, data or {}, program.variables, trace=trace)
    return explain(program, trace, outcome).sentences


def test_entries_are_in_order_of_evaluation_operands_first() -> None:
    source = full(
        rule(both(compare(field("data.x"), "<", lit(3)), False), assign(1)),
        default={**assign(var("v")), "id": "d"},
        variables={"v": 2},
    )
    assert traced(source, {"x": 1}).entries == [
        {"n": 0, "path": "rules/0/when/args/0/left", "type": "field", "value": 1, "section": "rules", "field": "data.x"},
        {"n": 1, "path": "rules/0/when/args/0/right", "type": "literal", "value": 3, "section": "rules"},
        {"n": 2, "path": "rules/0/when/args/0", "type": "compare", "value": True, "section": "rules", "op": "<"},
        {"n": 3, "path": "rules/0/when/args/1", "type": "literal", "value": False, "section": "rules"},
        {"n": 4, "path": "rules/0/when", "type": "and", "value": False, "section": "rules", "branch": "short_circuit:1"},
        {"n": 5, "path": "rules/0", "type": "rule", "value": False, "section": "rules", "branch": "skip"},
        {"n": 6, "path": "default/value", "type": "variable", "value": 2, "section": "default"},
        {"n": 7, "path": "default", "nodeId": "d", "type": "assign_points", "value": 2, "section": "default"},
        {"n": 8, "path": "", "type": "program", "value": 2, "section": None},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("key", "branch"), [("a", "match"), ("b", "else_if:0"), ("c", "else_if:1"), ("d", "else")]
)
def test_a_rule_tells_its_branch(key: str, branch: str) -> None:
    others = [{"when": field(f"data.{each}"), "then": [assign(1)]} for each in "bc"]
    source = full(rule(field("data.a"), assign(1), else_if=others, **{"else": [assign(1)]}))
    (entry,) = [entry for entry in traced(source, {key: 1}).entries if entry["type"] == "rule"]
    assert entry["branch"] == branch


def test_an_or_tells_which_operand_ended_it() -> None:
    source = full(rule(either(False, field("data.a"), True), leave()))
    branches = [entry.get("branch") for entry in traced(source, {"a": 5}).entries if entry["type"] == "or"]
    assert branches == ["short_circuit:1"]


def test_entries_of_a_parent_carry_their_level() -> None:
    child = extend(full(always(assign(1))), post_rules=[always(set_points(2))])
    levels = {(entry.get("level"), entry["section"]) for entry in traced(child).entries}
    assert levels == {(1, "rules"), (1, None), (None, "post_rules"), (None, None)}


@pytest.mark.parametrize(
    ("value", "kept", "cut"),
    [
        ("a" * 300, "a" * 253 + "…", True),
        ("é" * 126, "é" * 126, False),
        ("é" * 130, "é" * 126 + "…", True),
        (list(range(100)), json.dumps(list(range(100)), separators=(",", ":"))[:253] + "…", True),
        ([1, 2], [1, 2], False),
        (10**5000, "not JSON", True),
        (float("inf"), "not JSON", True),
        ("\ud800", "not JSON", True),
    ],
    ids=range(8),
)  # fmt: skip
def test_a_value_over_256_bytes_is_cut_and_marked(value: object, kept: object, cut: bool) -> None:
    entry = traced(full(rule(field("data.x"), assign(1))), {"x": value}).entries[0]
    assert (entry["value"], entry.get("cut", False)) == (kept, cut)
    json.dumps(entry, allow_nan=False)


def test_the_first_entries_are_kept_and_the_others_counted() -> None:
    trace = Trace(limit=3)
    interpret(DEFAULT, FACTS, {}, DEFAULT.variables, trace=trace)
    whole = traced(DEFAULT, facts=FACTS)
    assert trace.entries == whole.entries[:3]
    assert trace.cut == len(whole.entries) - 3
    assert (whole.cut, Trace(0).entries) == (0, [])


def test_a_failed_run_has_a_trace_up_to_the_failing_node_which_is_marked() -> None:
    source = full(always(callback("a", 1), assign(arith(1, "/", field("data.zero")))))
    with pytest.raises(RunError) as caught:
        compile_program(source).run({}, {"zero": 0}, {})
    assert caught.value.trace is not None
    last = caught.value.trace.entries[-1]
    assert (last["path"], last["error"], last["value"]) == (
        "rules/0/then/1/value",
        "DSL_ARITH_DIV_BY_ZERO",
        None,
    )
    (sentence,) = explain(source, caught.value.trace, None).sentences
    assert (
        sentence
        == "The run failed at rules/0/then/1/value (rules) with DSL_ARITH_DIV_BY_ZERO: Division by zero."
    )


def test_an_award_is_explained_in_a_sentence() -> None:
    assert sentences(DEFAULT, facts=FACTS) == [
        "11 points, case PerformanceBonus: user.avg_time 42 < all.avg_time 61."
    ]


def test_computed_sides_show_how_they_came_about() -> None:
    facts: dict[str, object] = {**FACTS, "user.avg_time": 80, "user.new_last_window_diff": 9}
    difference = "(user.new_last_window_diff 9 - user.last_window_diff 1 = 8)"
    assert sentences(DEFAULT, facts=facts) == [
        f"3 points, case IndividualOverGlobal: {difference} > 0 and {difference} < all.avg_time 61."
    ]


def test_every_kind_of_sentence() -> None:
    source = full(
        rule(negated(field("data.no")), add(5, "SpeedBonus")),
        rule(either(field("data.no"), compare(var("v"), "==", 1)), add(1.5, "Half")),
        default=assign(10, "Base"),
        variables={"v": 1},
        pre_rules=[rule(field("data.x"), set_data("x", 3))],
        post_rules=[
            rule(
                False,
                leave(),
                **{"else": [set_points(arith(field("result.points"), "*", 2)), set_case("End")]},
            )
        ],
    )
    assert sentences(source, {"x": 1, "no": False}) == [
        "First data.x set to 3: data.x 1.",
        "+5 points, SpeedBonus: not (data.no false).",
        "+1.5 points, Half: v 1 == 1.",
        "10 points, case Base: by default, as no rule decided.",
        "Then set to 33 points: otherwise, after false is false.",
        "Then the case End: otherwise, after false is false.",
        "In all 33 points, case End.",
    ]


def test_a_veto_says_why() -> None:
    source = full(
        always(assign(1)), pre_rules=[rule(compare(field("data.strikes"), ">=", 3), veto("Banned"))]
    )
    assert sentences(source, {"strikes": 4}) == ["Veto, case Banned: data.strikes 4 >= 3."]


def test_no_award_says_which_rules_did_not_hold() -> None:
    source = example_programs()["engagement"].program
    assert sentences(source, facts={"user.measurements_count": 7}) == [
        "No rule held: user.measurements_count 7 <= 2 is false."
    ]
    assert sentences(full()) == ["No points: there is no rule."]
    assert sentences(full(always(leave()))) == ["No points: no statement that ran gives points."]


def test_rules_tell_what_held_and_what_was_not_reached() -> None:
    trace = Trace()
    outcome = interpret(DEFAULT, FACTS, {}, DEFAULT.variables, trace=trace)
    rules = explain(DEFAULT, trace, outcome).rules
    assert [(each["nodeId"], each["held"], each["branch"]) for each in rules[:4]] == [
        ("first-on-task", False, "skip"),
        ("newcomer", False, "skip"),
        ("faster-than-all", True, "match"),
        ("slower-below-all", None, None),
    ]
    assert rules[2]["because"] == [
        {
            "path": "rules/2/when",
            "op": "<",
            "left": 42,
            "right": 61,
            "result": True,
            "text": "user.avg_time 42 < all.avg_time 61",
        }
    ]
    assert rules[3]["because"] == []


def test_rules_of_parents_stand_between_with_their_level() -> None:
    weekend = example_programs()["weekend_bonus"].program
    rules = explain(weekend, traced(weekend, facts={**FACTS, "event.is_weekend": True}), None).rules
    assert [each["level"] for each in rules] == [1] * 7 + [0]
    assert rules[-1]["because"][0]["op"] == "holds"  # type: ignore[index]  # a list


def flat(leaf: dict[str, object]) -> list[dict[str, object]]:
    children: list[dict[str, object]] = leaf["children"]  # type: ignore[assignment]  # a list of leaves
    return [leaf, *(each for child in children for each in flat(child))]


def test_a_tree_can_be_drawn_without_knowing_nodes() -> None:
    weekend = example_programs()["weekend_bonus"].program
    leaves = flat(tree(weekend, traced(weekend, facts=FACTS)))
    assert all(
        sorted({*leaf} - {"value"}) == ["children", "label", "level", "nodeId", "path", "state", "type"]
        for leaf in leaves
    )
    states = {leaf["label"]: leaf["state"] for leaf in leaves}
    assert states["rule faster-than-all"] == "taken"
    assert states["rule newcomer"] == "skipped"
    assert states["rule slower-below-all"] == "not_reached"
    assert (
        states["assign variable_basic_points + variable_bonus_points points, case PerformanceBonus"]
        == "evaluated"
    )
    assert states["rule weekend"] == "skipped"
    assert json.dumps(leaves)


def test_a_tree_without_trace_shows_the_program_only() -> None:
    leaves = flat(tree(example_programs()["citizen_science"].program))
    assert {leaf["state"] for leaf in leaves} == {None}
    assert not [leaf for leaf in leaves if "value" in leaf]
    assert "default: assign 2 points, case TaskCompleted" in {leaf["label"] for leaf in leaves}


def test_a_failed_node_is_marked_in_the_tree() -> None:
    source = full(always(assign(arith(1, "/", 0))))
    failed = [leaf for leaf in flat(tree(source, traced(source))) if leaf["state"] == "failed"]
    assert [leaf["label"] for leaf in failed] == ["1 / 0"]
