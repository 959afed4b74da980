"""Reading untrusted JSON: each read checks one thing, notes a problem if it does not hold, and goes on."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple, TypeGuard

from strategies.dsl.declarations import is_storable
from strategies.dsl.errors import Code, Problem
from strategies.dsl.limits import MAX_CASE_NAME, MAX_ID, MAX_NUMBER, Limits
from strategies.dsl.values import is_case_name, shown, type_name

_LONGEST_KEY_SHOWN = 64


class Place(NamedTuple):
    """Where something stands in the program, and how its node is called."""

    path: str
    node_id: str

    def entry(self, *parts: str | int) -> str:
        """Return the path of something below."""
        return "/".join([self.path, *map(str, parts)] if self.path else map(str, parts))


def closest(word: str, known: Iterable[str]) -> str | None:
    """Return a "did you mean" for a misspelt word, or None if nothing is near."""
    matches = difflib.get_close_matches(word[:200], list(known), n=1, cutoff=0.6)
    return f'Did you mean "{matches[0]}"?' if matches else None


class Reader:
    """Collects problems; the reads return None (or False) after noting one."""

    def __init__(self, limits: Limits) -> None:
        """Begin without problems."""
        self.limits = limits
        self.problems: list[Problem] = []

    def note(self, code: Code, message: str, place: Place, hint: str | None = None, **params: object) -> None:
        """Note a problem at a place."""
        self.problems.append(Problem(code, message, place.path, place.node_id, params, hint=hint))

    def mapping(self, raw: object, place: Place, what: str) -> Mapping[str, object] | None:
        """Read an object whose keys are texts."""
        if isinstance(raw, dict) and all(isinstance(key, str) for key in raw):
            return raw
        self.note(Code.DSL_SHAPE, f"{what} is an object, not {shown(raw)}.", place, got=type_name(raw))
        return None

    def items(self, raw: object, place: Place, what: str, *, at_least: int = 0) -> list[object] | None:
        """Read a list of a least length."""
        if isinstance(raw, list) and len(raw) >= at_least:
            return raw
        wanted = "a list" if at_least == 0 else f"a list of at least {at_least}"
        self.note(Code.DSL_SHAPE, f"{what} is {wanted}, not {shown(raw)}.", place, got=type_name(raw))
        return None

    def keys(
        self, raw: Mapping[str, object], place: Place, required: Collection[str], optional: Collection[str]
    ) -> bool:
        """Check that all required keys are there and no unknown ones; return whether the required ones are."""
        known = [*required, *optional]
        for key in raw:
            if key not in known:
                hint = closest(key, known) or f"Known keys are {', '.join(known)}."
                self.note(
                    Code.DSL_SHAPE,
                    f"Unknown key {shown(key)}.",
                    place,
                    hint,
                    key=ascii(key[:_LONGEST_KEY_SHOWN])[1:-1],
                )
        missing = [key for key in required if key not in raw]
        for key in missing:
            self.note(Code.DSL_SHAPE, f'The key "{key}" is missing.', place, key=key)
        return not missing

    def text(self, raw: object, place: Place, what: str, *, max_bytes: int | None = None) -> str | None:
        """Read a text that can be stored, up to `max_bytes` of UTF-8 (default: the limit of a literal)."""
        if not isinstance(raw, str):
            self.note(Code.DSL_SHAPE, f"{what} is a text, not {shown(raw)}.", place, got=type_name(raw))
            return None
        if not is_storable(raw):
            self.note(Code.DSL_TEXT, f"{what} holds a NUL or a lone surrogate.", place)
            return None
        limit = self.limits.max_text_bytes if max_bytes is None else max_bytes
        size = len(raw.encode())
        if size > limit:
            self.note(
                Code.DSL_LIMIT_TEXT, f"{what} is longer than {limit} bytes.", place, limit=limit, size=size
            )
            return None
        return raw

    def number(self, raw: float, place: Place, what: str) -> bool:
        """Check that a number is finite and within the language's range."""
        if -MAX_NUMBER <= raw <= MAX_NUMBER:
            return True
        self.note(
            Code.DSL_NUMBER_RANGE,
            f"{what} stays within {MAX_NUMBER:g}: {shown(raw)}.",
            place,
            limit=MAX_NUMBER,
        )
        return False

    def scalar(self, raw: object, place: Place, what: str) -> TypeGuard[bool | int | float | str]:
        """Check that a value is a boolean, number or text, and as such within its limits."""
        if isinstance(raw, bool):
            return True
        if isinstance(raw, int | float):
            return self.number(raw, place, what)
        if isinstance(raw, str):
            return self.text(raw, place, what) is not None
        self.note(
            Code.DSL_SHAPE,
            f"{what} is a number, a boolean or a text, not {shown(raw)}.",
            place,
            got=type_name(raw),
        )
        return False

    def case_name(self, raw: object, place: Place, what: str) -> str | None:
        """Read a case name or label."""
        if isinstance(raw, str) and is_case_name(raw):
            return raw
        self.note(
            Code.DSL_CASE_NAME,
            f"{what} is a text of 1 to {MAX_CASE_NAME} printable characters, not {shown(raw)}.",
            place,
            limit=MAX_CASE_NAME,
        )
        return None

    def label(self, raw: Mapping[str, object], place: Place) -> str | None:
        """Read the author's id of a node, if there is one."""
        if "id" not in raw:
            return None
        value = raw["id"]
        if isinstance(value, str) and len(value) <= MAX_ID:
            return self.text(value, place, "An id")
        self.note(Code.DSL_SHAPE, f"An id is a text of at most {MAX_ID} characters.", place, key="id")
        return None


def place_of(raw: object, path: str) -> Place:
    """Return the place of a raw node, called by its id if that is fit to be shown."""
    label = raw.get("id") if isinstance(raw, dict) else None
    fit = isinstance(label, str) and len(label) <= MAX_ID and is_storable(label)
    return Place(path, label if fit and isinstance(label, str) else path)
