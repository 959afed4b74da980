"""Programs as text: laid out without a change of meaning, and every place found again."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from strategies.admin.strategies.json_text import (
    MAX_LINE,
    JsonFault,
    Position,
    locate,
    read_json,
    write_json,
)

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)
NAMES = st.text("abc", min_size=1)
NAMED = st.recursive(st.integers() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(NAMES, inner))


@given(VALUES)
def test_what_is_written_is_read_again(value: object) -> None:
    assert read_json(write_json(value)) == value


@given(NAMED)
def test_every_value_is_found_where_it_begins(value: object) -> None:
    text = write_json(value)
    lines = text.split("\n")
    paths = dict(all_paths(value, ""))

    for path, position in locate(text, paths).items():
        rest = "\n".join([lines[position.line - 1][position.column - 1 :], *lines[position.line :]])
        assert json.JSONDecoder().raw_decode(rest)[0] == paths[path]


def all_paths(value: object, path: str) -> list[tuple[str, object]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = [(path, value)]
    for key, item in inner:
        found += all_paths(item, f"{path}/{key}" if path else str(key))
    return found


def test_what_fits_on_a_line_stays_on_one_and_the_type_comes_first() -> None:
    field = {"path": "data.minutes", "type": "field"}
    text = write_json({"rules": [field] * 5, "type": "program"})

    assert text.startswith('{\n  "type": "program",\n  "rules": [')
    assert '{"type": "field", "path": "data.minutes"}' in text
    assert max(len(line) for line in text.split("\n")) <= MAX_LINE + 1


def test_a_place_that_is_not_there_is_its_parents() -> None:
    assert locate('{\n "a": [1]}', ["a/3/b", "z"]) == {"a/3/b": Position(2, 7), "z": Position(1, 1)}


@pytest.mark.parametrize(
    ("text", "position"),
    [
        ("", Position(1, 1)),
        ('{"a": 1,\n "a": 2}', Position(2, 7)),
        ('[{"a": 1}, {"b": {"a": 1, "a": 2}}]', Position(1, 32)),
        ("[1, Infinity]", Position(1, 5)),
        ("[1 2]", Position(1, 4)),
        ("[" * 100_000, Position(1, 1)),
    ],
)
def test_a_fault_has_a_place(text: str, position: Position) -> None:
    with pytest.raises(JsonFault) as fault:
        read_json(text)
    assert fault.value.position == position
