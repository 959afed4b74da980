"""The values of the language, their types by name, and how a value is named in a message."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from strategies.dsl.limits import MAX_CASE_NAME

Scalar: TypeAlias = bool | int | float | str | None
TypeName: TypeAlias = Literal["number", "text", "boolean"]

TYPE_NAMES: Final[tuple[TypeName, ...]] = ("number", "text", "boolean")

PYTHON_TYPES: Final[dict[TypeName, tuple[type, ...]]] = {
    "number": (int, float),
    "text": (str,),
    "boolean": (bool,),
}
"""Compared with `type(value)`, never with isinstance: True is an int to Python and not a number here."""

_NAMES: Final[dict[type, str]] = {
    type(None): "null",
    bool: "boolean",
    int: "number",
    float: "number",
    str: "text",
    list: "list",
    dict: "object",
}


def type_name(value: object) -> str:
    """Return the type of a JSON value as authors know it."""
    return _NAMES.get(type(value), type(value).__name__)


def shown(value: object, longest: int = 60) -> str:
    """Return a short text for a message; safe for huge integers, which Python refuses to print."""
    match value:
        case None | bool():
            text = {None: "null", True: "true", False: "false"}[value]
        case int() if value.bit_length() > 64:
            text = f"an integer of {value.bit_length()} bits"
        case int() | float():
            text = repr(value)
        case str():
            text = ascii(value[: longest + 1])
        case list() | dict():
            text = f"a {type_name(value)} of {len(value)}"
        case _:
            text = type_name(value)
    return text if len(text) <= longest else text[: longest - 1] + "…"


def is_case_name(text: str) -> bool:
    """Return whether a text can be a case name or label: 1 to 200 printable characters, checked whole."""
    return 0 < len(text) <= MAX_CASE_NAME and text.isprintable()
