"""`validate` answers anything at all, and never raises."""

from __future__ import annotations

import copy
import json
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from strategies.dsl import Kind, Limits, compile_program, validate
from strategies.dsl.tests.random_programs import random_arguments, random_program
from strategies.dsl.tests.writing import always, assign, both_answers, codes, program

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()),
    lambda children: (
        st.lists(children) | st.dictionaries(st.text(st.characters(exclude_categories=[])), children)
    ),
    max_leaves=30,
)
HUGE = 10**10_000
ODD: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, float("nan"), float("inf"), 1e999, HUGE, -HUGE, "", "\0", "\ud800", "x" * 100_000,
    [], {}, [[]], {"type": "program"}, {"type": []}, {"type": {}}, {"type": "rule"}, {1: 2}, (1, 2), {3}, b"x", object(),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(JSON, st.sampled_from(list(Kind)))
def test_random_json_is_answered(source: object, kind: Kind) -> None:
    validation = validate(source, kind=kind)
    assert json.dumps(validation.as_json())
    assert validation.valid == (not validation.errors)


@pytest.mark.parametrize("source", ODD, ids=lambda odd: type(odd).__name__)
@pytest.mark.parametrize(
    "place", ["root", "rules", "rule", "when", "value", "literal", "id", "variables", "bound"]
)
def test_odd_values_anywhere_are_answered(source: object, place: str) -> None:
    whole = program(always(assign(1)), variables={"v": {"value": 1, "min": 0}})
    target: Any = whole["rules"][0]
    if place == "root":
        whole = source  # type: ignore[assignment]  # anything at all
    elif place in ("rules", "variables", "id"):
        whole[place] = source
    elif place == "rule":
        whole["rules"] = [source]
    elif place == "when":
        target["when"] = source
    elif place == "value":
        target["then"][0]["value"] = source
    elif place == "literal":
        target["then"][0]["value"]["value"] = source
    else:
        whole["variables"]["v"]["min"] = source
    for kind in Kind:
        assert json.dumps(validate(whole, kind=kind).as_json())


def mutated(rng: Random, source: Any) -> Any:
    """Return a copy of JSON with one place changed: replaced, removed, doubled or renamed."""
    changed = copy.deepcopy(source)
    at = changed
    while True:
        keys = list(at) if isinstance(at, dict) else list(range(len(at)))
        if not keys:
            return changed
        key = rng.choice(keys)
        if isinstance(at[key], dict | list) and rng.random() < 0.8:
            at = at[key]
            continue
        kind = rng.randrange(4)
        if kind == 0:
            del at[key]
        elif kind == 1:
            at[key] = rng.choice(ODD)
        elif kind == 2 and isinstance(at, list):
            at.append(at[key])
        elif isinstance(at, dict):
            at[rng.choice(["type", "when", "value", "args", "é", "id", "left"])] = at[key]
        return changed


@settings(max_examples=500, deadline=None)
@given(st.integers(0, 2**64 - 1), st.integers(1, 4))
def test_mutations_of_valid_programs_are_answered_and_run_if_they_are_valid(seed: int, size: int) -> None:
    rng = Random(seed)
    original = random_program(rng, size, deepest=0)
    changed = json.loads(json.dumps(original.source))
    for _ in range(rng.randint(1, 3)):
        changed = mutated(rng, changed)
    validation = validate(changed, kind=Kind.FULL)
    assert json.dumps(validation.as_json())
    assert validation.valid or validation.errors
    if validation.program is not None:
        compiled = compile_program(validation.program)
        expected, found = both_answers(compiled, random_arguments(rng, validation.program))
        assert expected == found


@pytest.mark.parametrize("wrap", [lambda inner: [inner], lambda inner: {"type": "not", "arg": inner}])
def test_a_nesting_of_100_000_is_the_depth_limit_and_no_recursion(wrap: Any) -> None:
    deep: object = {}
    for _ in range(100_000):
        deep = wrap(deep)
    for source in (deep, program({"type": "rule", "when": deep, "then": [assign(1)]})):
        validation = validate(source, kind=Kind.FULL)
        assert codes(validation) == ["DSL_LIMIT_DEPTH"]
        assert validation.digest is None
    while isinstance(deep, dict | list) and deep:
        deep = deep["arg"] if isinstance(deep, dict) else deep[0]


def test_a_source_that_holds_itself_is_answered() -> None:
    source: dict[str, object] = program()
    source["rules"] = [source, source]
    assert not validate(source, kind=Kind.FULL).valid


def test_more_values_than_bytes_allowed_is_the_size_limit_at_once() -> None:
    assert codes(validate([0] * 100_000, kind=Kind.FULL)) == ["DSL_LIMIT_SIZE"]
    assert codes(validate([0] * 5, kind=Kind.FULL, limits=Limits(max_size_bytes=4))) == ["DSL_LIMIT_SIZE"]
