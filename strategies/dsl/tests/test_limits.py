"""Every limit, at its boundary and one beyond."""

from __future__ import annotations

from typing import Any

import pytest

from strategies.dsl import Kind, Limits, canonical_json, validate
from strategies.dsl.tests.writing import (
    always,
    arith,
    assign,
    both,
    call,
    checked,
    codes,
    extend,
    field,
    full,
    lit,
    negated,
    program,
    rule,
    run,
)


def chain(n: int) -> Any:
    value: Any = lit(1)
    for _ in range(n):
        value = arith(value, "+", 1)
    return value


def nots(n: int) -> Any:
    value: Any = lit(True)
    for _ in range(n):
        value = negated(value)
    return value


@pytest.mark.parametrize(
    ("source", "depth"),
    [
        (program(), 0),
        (program(always(assign(1))), 3),
        (program(default=assign(1)), 2),
        (program(rule(both(field("data.a")), assign(1))), 3),
        (program(always(assign(chain(1)))), 4),
        (program(always(assign(chain(29)))), 32),
        (program(rule(nots(30), assign(1))), 32),
        (program(default=assign(chain(30))), 32),
    ],
)
def test_depth_is_counted_as_specified(source: Any, depth: int) -> None:
    found = checked(source)
    assert found.valid
    assert found.cost is not None
    assert found.cost.depth == depth


@pytest.mark.parametrize(
    "source",
    [
        program(always(assign(chain(30)))),
        program(rule(nots(31), assign(1))),
        program(default=assign(chain(31))),
    ],
)
def test_a_depth_of_33_is_too_much_and_said_once(source: Any) -> None:
    assert codes(checked(source)) == ["DSL_LIMIT_DEPTH"]


@pytest.mark.parametrize(
    ("source", "nodes"),
    [
        (program(), 1),
        (program(always(assign(1))), 1 + 1 + 2 + 1 + 1),
        (program(rule(field("data.a"), assign(1))), 1 + 1 + 2 + 1 + 1),
        (program(rule({"type": "variable", "name": "v"}, assign(1)), variables={"v": 1}), 1 + 1 + 1 + 1 + 1),
        (program({**always(assign(1)), "else_if": [{"when": lit(1), "then": [assign(1)]}]}), 6 + 1 + 2 + 2),
        (program({**always(assign(1)), "else": [assign(1)]}), 6 + 2),
        (program(default=assign(call("clamp", 1, 2, 3))), 1 + 1 + 4),
    ],
)
def test_nodes_are_counted_as_specified(source: Any, nodes: int) -> None:
    found = checked(source)
    assert found.cost is not None
    assert found.cost.nodes == nodes
    assert checked(source, limits=Limits(max_nodes=nodes)).valid
    assert codes(checked(source, limits=Limits(max_nodes=nodes - 1))) == ["DSL_LIMIT_NODES"]


def test_size_is_that_of_the_canonical_json() -> None:
    source = program(always(assign(1)), id="é")
    size = len(canonical_json(source))
    assert validate(source, kind=Kind.FULL, limits=Limits(max_size_bytes=size)).valid
    found = validate(source, kind=Kind.FULL, limits=Limits(max_size_bytes=size - 1))
    assert codes(found) == ["DSL_LIMIT_SIZE"]
    assert found.problems[0].params == {"limit": size - 1, "size": size}


def test_a_text_is_measured_in_bytes() -> None:
    assert checked(program(rule("é" * 512, assign(1)))).valid
    assert codes(checked(program(rule("é" * 512 + "a", assign(1))))) == ["DSL_LIMIT_TEXT"]


@pytest.mark.parametrize("number", [1e15, -1e15, 10**15])
def test_literals_reach_1e15(number: float) -> None:
    assert checked(program(rule(number, assign(1)))).valid


@pytest.mark.parametrize(
    "number", [1e15 + 0.125, -(10**15) - 1, 1e999, -1e999, float("nan"), 10**10_000], ids=range(6)
)
def test_literals_go_no_further(number: float) -> None:
    assert codes(checked(program(rule(number, assign(1))))) == ["DSL_NUMBER_RANGE"]


def test_a_chain_has_four_programs() -> None:
    made = full(always(assign(1)))
    for _ in range(3):
        made = extend(made)
    assert len(made.chain) == 4
    assert run(made).points == 1
    assert codes(checked(program(), Kind.EXTEND, made)) == ["DSL_PARENT_CHAIN"]


def test_the_depth_limit_itself_has_a_limit() -> None:
    with pytest.raises(ValueError, match="max_depth"):
        Limits(max_depth=65)
    deepest = program(always(assign(chain(61))))
    validation = validate(deepest, kind=Kind.FULL, limits=Limits(max_depth=64))
    assert validation.program is not None
    assert run(validation.program).points == 62
