"""Declared inputs, and keys that are masked."""

from __future__ import annotations

import pytest

from strategies.dsl import Kind, prepare_data
from strategies.dsl.tests.writing import (
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
    set_data,
    set_points,
)

INPUTS = {
    "minutes": {"type": "number", "required": True},
    "zone": {"type": "text", "default": "north"},
    "photo": {"type": "boolean"},
}
DECLARED = full(
    rule(field("data.photo"), assign(1, "Photo")),
    always(
        assign(field("data.minutes"), "Minutes"),
    ),
    post_rules=[always(callback("zone", field("data.zone")))],
    inputs=INPUTS,
)


def test_defaults_are_visible_to_the_run_and_not_to_the_caller() -> None:
    given = {"minutes": 5}
    assert run(DECLARED, given)[:4] == ("award", 5, "Minutes", {"zone": "north"})
    assert given == {"minutes": 5}
    assert prepare_data(DECLARED, given) == {"minutes": 5, "zone": "north", "photo": None}


def test_an_event_that_has_everything_is_taken_as_it_is() -> None:
    assert run(DECLARED, {"minutes": 5, "zone": "south", "photo": True, "more": []}).case_name == "Photo"


def test_without_inputs_the_same_object_comes_back() -> None:
    given: dict[str, object] = {"a": 1}
    assert prepare_data(full(always(assign(1))), given) is given


@pytest.mark.parametrize(
    ("data", "code", "name"),
    [
        ({}, "DSL_INPUT_MISSING", "minutes"),
        ({"minutes": None}, "DSL_INPUT_MISSING", "minutes"),
        ({"minutes": "5"}, "DSL_INPUT_TYPE", "minutes"),
        ({"minutes": True}, "DSL_INPUT_TYPE", "minutes"),
        ({"minutes": 5, "zone": 5}, "DSL_INPUT_TYPE", "zone"),
        ({"minutes": 5, "photo": 1}, "DSL_INPUT_TYPE", "photo"),
    ],
)
def test_an_event_that_does_not_fit_is_refused(data: dict[str, object], code: str, name: str) -> None:
    error = error_of(DECLARED, data)
    assert (error.code, error.path, error.params["input"], error.nodes) == (code, f"inputs/{name}", name, 0)


def test_a_null_counts_as_absent() -> None:
    assert run(DECLARED, {"minutes": 1, "zone": None}).callback_data == {"zone": "north"}


def test_a_field_that_is_not_declared_is_an_error_with_a_hint() -> None:
    found = checked(program(always(assign(field("data.minuts"))), inputs=INPUTS))
    assert codes(found) == ["DSL_INPUT_UNKNOWN"]
    assert found.problems[0].hint == 'Did you mean "data.minutes"?'
    assert codes(checked(program(always(assign(field("data.x"))), inputs={}))) == ["DSL_INPUT_UNKNOWN"]


def test_a_key_that_set_data_writes_need_not_be_declared_and_may_change_type() -> None:
    source = full(
        always(assign(arith(field("data.extra"), "+", 1))),
        pre_rules=[
            always(set_data("extra", 2), set_data("minutes", "text")),
            always(callback("m", field("data.minutes"))),
        ],
        inputs={"minutes": {"type": "number"}},
    )
    assert run(source, {"minutes": 1})[:4] == ("award", 3, "C", {"m": "text"})


def test_a_child_s_inputs_are_its_own_and_its_parent_s() -> None:
    child = extend(
        DECLARED,
        inputs={"speed": {"type": "number", "required": True}},
        post_rules=[always(set_points(arith(field("data.speed"), "+", field("data.minutes"))))],
    )
    assert sorted(child.inputs) == ["minutes", "photo", "speed", "zone"]
    assert run(child, {"minutes": 1, "speed": 2}).points == 3
    assert error_of(child, {"minutes": 1}).params["input"] == "speed"
    assert error_of(child, {"speed": 1}).params["input"] == "minutes"


def test_a_child_without_inputs_is_held_to_its_parent_s() -> None:
    source = program(post_rules=[rule(field("data.other"), set_points(1))])
    assert codes(checked(source, Kind.EXTEND, DECLARED)) == ["DSL_INPUT_UNKNOWN"]
    assert checked(source, Kind.EXTEND).valid


def test_an_input_keeps_the_type_it_has_in_the_parent() -> None:
    found = checked(program(inputs={"zone": {"type": "number"}}), Kind.EXTEND, DECLARED)
    assert "DSL_INPUT_CONFLICT" in codes(found)


def test_a_masked_key_cannot_be_read_written_or_declared() -> None:
    source = program(
        always(assign(field("data.email"))),
        pre_rules=[always(set_data("phone", 1))],
        inputs={"email": {"type": "text"}, "phone": {"type": "text"}},
    )
    found = checked(source, masked_keys={"email", "phone"})
    assert [(problem.code, problem.path) for problem in found.errors] == [
        ("DSL_MASKED_FIELD", "rules/0/then/0/value"),
        ("DSL_MASKED_FIELD", "pre_rules/0/then/0"),
        ("DSL_MASKED_FIELD", "inputs/email"),
        ("DSL_MASKED_FIELD", "inputs/phone"),
    ]
    assert checked(source, masked_keys={"name"}).valid


def test_a_key_that_a_parent_reads_cannot_be_masked_either() -> None:
    parent = full(always(assign(field("data.email"))))
    found = checked(program(), Kind.EXTEND, parent, masked_keys=["email"])
    assert codes(found) == ["DSL_MASKED_FIELD"]
    assert found.problems[0].params == {"key": "email"}
