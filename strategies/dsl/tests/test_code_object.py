"""A generated function can do nothing but compute: audited on its code object."""

from __future__ import annotations

import dis
from random import Random
from types import CodeType, FunctionType

import pytest

from strategies.dsl import builtin_programs, compile_program, example_programs
from strategies.dsl.tests.random_programs import random_program
from strategies.dsl.tests.writing import always, assign, call, callback, field, full, lit, set_case, set_data

FORBIDDEN = (
    "ATTR",
    "METHOD",
    "IMPORT",
    "STORE_GLOBAL",
    "DELETE",
    "STORE_NAME",
    "LOAD_NAME",
    "CLOSURE",
    "DEREF",
    "MAKE_FUNCTION",
    "YIELD",
    "AWAIT",
)


def code_of(program: object) -> FunctionType:
    compiled = compile_program(program)  # type: ignore[arg-type]  # a Program
    return compiled._function


PROGRAMS = [
    *(each.program for each in (*builtin_programs().values(), *example_programs().values())),
    *(random_program(Random(seed), 4) for seed in range(150)),
]


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.digest[:8])
def test_no_attribute_import_or_global_store_is_in_the_code(program: object) -> None:
    function = code_of(program)
    names = {instruction.opname for instruction in dis.get_instructions(function)}
    assert not [name for name in names for word in FORBIDDEN if word in name]
    assert not [const for const in function.__code__.co_consts if isinstance(const, CodeType)]


def test_the_globals_hold_what_is_needed_and_no_builtins() -> None:
    function = code_of(builtin_programs()["default"].program)
    assert function.__globals__["__builtins__"] == {}
    for program in PROGRAMS:
        used = {
            each.argval for each in dis.get_instructions(code_of(program)) if each.opname == "LOAD_GLOBAL"
        }
        assert used <= set(function.__globals__) - {"__builtins__"}


def test_text_of_the_author_is_only_ever_a_constant() -> None:
    evil = "__import__('os').system('x')"
    program = full(
        always(callback(evil, evil), assign(1, evil)),
        pre_rules=[always(set_data("__class__", field("data.__builtins__")))],
        post_rules=[always(set_case(evil))],
        variables={"__import__": 1},
    )
    code = code_of(program).__code__
    words = {*code.co_names, *code.co_varnames}
    assert not [word for word in words if "import" in word or "__" in word or "os" in word.split(".")]
    assert evil in code.co_consts


def test_the_largest_programs_compile() -> None:
    branches = [{"when": field(f"data.k{i}"), "then": [assign(i)]} for i in range(190)]
    widest = full({**always(assign(1)), "when": field("data.none"), "else_if": branches})
    assert compile_program(widest).run({}, {"k189": 1}, {}).points == 189
    deep = lit(1)
    for _ in range(29):
        deep = call("clamp", field("data.x"), 0, deep)
    assert compile_program(full(always(assign(deep)))).run({}, {"x": 3}, {}).points == 1
