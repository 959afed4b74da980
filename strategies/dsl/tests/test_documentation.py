"""docs/language.md holds what the code holds."""

from __future__ import annotations

import json
import re

import pytest

from strategies.dsl import Code
from strategies.dsl.decode_values import NODE_TYPES
from strategies.dsl.documentation import DEFAULT_PATH, TABLES, rewritten
from strategies.dsl.functions import ARITY
from strategies.dsl.tests.writing import run, valid

TEXT = DEFAULT_PATH.read_text(encoding="utf-8")


def test_the_tables_are_as_the_code_has_them() -> None:
    assert rewritten(TEXT) == TEXT, "run python -m strategies.dsl.documentation"
    assert all(f"<!-- {name} -->" in TEXT for name in TABLES)


@pytest.mark.parametrize("code", list(Code))
def test_every_code_is_in_the_document(code: Code) -> None:
    assert f"| {code} | {code.stage} |" in TEXT


@pytest.mark.parametrize("word", [*NODE_TYPES, *ARITY])
def test_every_node_and_function_is_in_the_document(word: str) -> None:
    assert re.search(rf"\b{word}\b", TEXT)


def test_the_first_example_is_valid_and_does_what_is_said() -> None:
    (source,) = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    program = valid(json.loads(source))
    assert run(program, facts={"user.avg_time": 1, "all.avg_time": 2})[:3] == ("award", 10, "Faster")
    assert run(program)[:3] == ("award", 1, "Basic")
