"""Programs as people write them: read with the place of every fault, written to be read. Pure."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, NamedTuple

MAX_TEXT: Final = 512 * 1024
MAX_LINE: Final = 100
INDENT: Final = "  "
# PostgreSQL orders keys by their length; people want to know first what a node is.
READING_ORDER: Final = (
    *("type", "id", "name", "description", "variables", "inputs", "parent_variables", "pre_rules", "rules"),
    *("default", "post_rules", "when", "then", "else_if", "else", "op", "left", "right", "arg", "args"),
    *("path", "key", "value", "case_name", "label"),
)
KEY_ORDER: Final = {key: place for place, key in enumerate(READING_ORDER)}
TOKEN: Final = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


class Position(NamedTuple):
    """A place in a text, both from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class JsonFault(Exception):
    """Why a text is not JSON, and where."""

    message: str
    position: Position


def read_json(text: str) -> object:
    """Parse strictly: a key that occurs twice would hide what was typed, and NaN is no JSON. Raises JsonFault."""
    if len(text) > MAX_TEXT:
        raise JsonFault(f"The text has more than {MAX_TEXT} characters.", Position(1, 1))
    try:
        return json.loads(text, object_pairs_hook=_without_doubles, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        raise JsonFault(f"{error.msg.removesuffix(' at')}.", Position(error.lineno, error.colno)) from None
    except _DoubleKeyError as error:
        raise JsonFault(f"The key {error} occurs twice.", _second_of(text, str(error))) from None
    except _ConstantError as error:
        raise JsonFault(f"{error} is not JSON.", _position(text, text.find(str(error)))) from None
    except RecursionError:
        raise JsonFault("It is nested too deeply.", Position(1, 1)) from None
    except ValueError:  # thousands of digits
        raise JsonFault("A number is too long.", Position(1, 1)) from None


def write_json(value: object) -> str:
    """Write a program with its keys in the order of reading; what fits on a line stays on one."""
    return "".join(_written(value, ""))


def locate(text: str, paths: Iterable[str]) -> dict[str, Position]:
    """Find where values begin in a text that is JSON; a path that is not there begins where its parent does."""
    starts = dict(_starts(text))
    return {path: _position(text, starts.get(_nearest(path, starts), 0)) for path in paths}


class _DoubleKeyError(ValueError):
    pass


class _ConstantError(ValueError):
    pass


def _without_doubles(pairs: list[tuple[str, object]]) -> dict[str, object]:
    made: dict[str, object] = {}
    for key, value in pairs:
        if key in made:
            raise _DoubleKeyError(json.dumps(key))
        made[key] = value
    return made


def _refuse_constant(name: str) -> object:
    raise _ConstantError(name)


def _second_of(text: str, key: str) -> Position:
    """Find a key that occurs twice in one object, by walking the text as `_starts` does."""
    seen: set[str] = set()
    for path, at in _starts(text):
        if path in seen and json.dumps(path.rpartition("/")[2]) == key:
            return _position(text, at)
        seen.add(path)
    return Position(1, 1)


def _position(text: str, offset: int) -> Position:
    begin = text.rfind("\n", 0, offset) + 1
    return Position(text.count("\n", 0, offset) + 1, offset - begin + 1)


def _nearest(path: str, known: Mapping[str, int]) -> str:
    while path and path not in known:
        path = path.rpartition("/")[0]
    return path


def _starts(text: str) -> Iterator[tuple[str, int]]:
    """Yield the path and offset of every value, without recursion.

    A frame is the index in a list, the key in an object, or None in an object whose next key is still to come.
    """
    frames: list[int | str | None] = []
    for match in TOKEN.finditer(text):
        sign = match.group()
        if sign in {"}", "]"}:
            frames.pop()
        elif sign == ",":
            frames[-1] = frames[-1] + 1 if isinstance(frames[-1], int) else None
        elif frames and frames[-1] is None:
            frames[-1] = json.loads(sign, strict=False)
        elif sign != ":":
            yield "/".join(map(str, frames)), match.start()
            if sign in {"{", "["}:
                frames.append(None if sign == "{" else 0)


def _written(value: object, margin: str) -> Iterator[str]:
    line = json.dumps(_in_order(value), ensure_ascii=False)
    if not isinstance(value, dict | list) or not value or len(margin) + len(line) <= MAX_LINE:
        yield line
        return
    inner = margin + INDENT
    open_, close = "{}" if isinstance(value, dict) else "[]"
    items = _ordered(value) if isinstance(value, dict) else [("", item) for item in value]
    yield open_
    for n, (key, item) in enumerate(items):
        yield f"{',' if n else ''}\n{inner}"
        if isinstance(value, dict):
            yield f"{json.dumps(key, ensure_ascii=False)}: "
        yield from _written(item, inner)
    yield f"\n{margin}{close}"


def _ordered(value: Mapping[str, object]) -> list[tuple[str, object]]:
    return sorted(value.items(), key=lambda item: (KEY_ORDER.get(item[0], len(KEY_ORDER)), item[0]))


def _in_order(value: object) -> object:
    if isinstance(value, dict):
        return {key: _in_order(item) for key, item in _ordered(value)}
    return [_in_order(item) for item in value] if isinstance(value, list) else value
