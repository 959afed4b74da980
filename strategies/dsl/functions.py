"""What the operators and functions mean: the one meaning both executors share.

Everything here is pure, checks its operands, and raises `Fault` without knowing its place.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, cast

from strategies.dsl.canonical import canonical_json
from strategies.dsl.errors import Code, Fault
from strategies.dsl.limits import MAX_NUMBER, MAX_POINTS
from strategies.dsl.nodes import ArithOp, CompareOp, FunctionName
from strategies.dsl.values import is_case_name, shown, type_name

Number: TypeAlias = int | float

_NUMBERS: Final = frozenset({int, float})
_INTEGER_TEXT: Final = re.compile(r"[+-]?[0-9]{1,31}")
_DIGITS: Final = range(10)


def is_number(value: object) -> bool:
    """Return whether a value is a number: an int or a float, and never a boolean."""
    return type(value) in _NUMBERS


def in_range(value: Number) -> Number:
    """Return a computed number, or fail if it is not finite or beyond 1e15."""
    if -MAX_NUMBER <= value <= MAX_NUMBER:
        return value
    raise Fault(
        Code.DSL_NUMBER_RANGE, f"A number is beyond {MAX_NUMBER:g}: {shown(value)}.", {"limit": MAX_NUMBER}
    )


def smaller(left: Number, right: Number) -> Number:
    """Return the smaller of two numbers, the first on ties."""
    return min(left, right)


def larger(left: Number, right: Number) -> Number:
    """Return the larger of two numbers, the first on ties."""
    return max(left, right)


_ARITH: Final[dict[ArithOp, Callable[[Number, Number], Number]]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "min": smaller,
    "max": larger,
}


def calculate(op: ArithOp, left: object, right: object) -> Number:
    """Return `left op right` for two numbers; `/` is float division."""
    if type(left) not in _NUMBERS or type(right) not in _NUMBERS:
        raise Fault(
            Code.DSL_ARITH_TYPE_MISMATCH,
            f"{op} is for numbers, not {type_name(left)} and {type_name(right)}.",
            {"op": op, "left": type_name(left), "right": type_name(right)},
        )
    try:
        result = _ARITH[op](cast("Number", left), cast("Number", right))
    except ZeroDivisionError:
        raise Fault(Code.DSL_ARITH_DIV_BY_ZERO, "Division by zero.") from None
    except OverflowError:
        raise Fault(
            Code.DSL_NUMBER_RANGE, f"A number is beyond {MAX_NUMBER:g}.", {"limit": MAX_NUMBER}
        ) from None
    return in_range(result)


_COMPARE: Final[dict[CompareOp, Callable[[Any, Any], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">=": operator.ge,
    ">": operator.gt,
}
EQUALITY: Final = frozenset({"==", "!="})
_ORDERED: Final = frozenset({int, float, bool})


def compare(op: CompareOp, left: object, right: object) -> bool:
    """Return whether the comparison holds.

    Equality never fails. Ordering with null is false; it compares numbers (a boolean counts as 0 or 1) or texts.
    """
    if (type(left) in _ORDERED and type(right) in _ORDERED) or op in EQUALITY:
        return _COMPARE[op](left, right)
    if left is None or right is None:
        return False
    if type(left) is str and type(right) is str:
        return _COMPARE[op](left, right)
    raise Fault(
        Code.DSL_COMPARE_TYPE_MISMATCH,
        f"{op} cannot compare {type_name(left)} with {type_name(right)}.",
        {"op": op, "left": type_name(left), "right": type_name(right)},
    )


def _argument(name: FunctionName, value: object, wanted: str) -> Fault:
    return Fault(
        Code.DSL_FUNC_ARGUMENT,
        f"{name} takes {wanted}, not {shown(value)}.",
        {"function": name, "got": type_name(value)},
    )


def _number_argument(name: FunctionName, value: object) -> Number:
    if is_number(value):
        return cast("Number", value)
    raise _argument(name, value, "numbers")


def truncated(value: object) -> Number:
    """Return `int(value)`: a number truncated toward zero, a boolean as 0 or 1, or a text of decimal digits."""
    if isinstance(value, str):
        if not _INTEGER_TEXT.fullmatch(value):
            raise _argument("int", value, "a text of 1 to 31 digits with an optional sign")
        return in_range(int(value))
    if isinstance(value, bool):
        return int(value)
    number = _number_argument("int", value)
    return int(number) if math.isfinite(in_range(number)) else number


def clamped(value: object, low: object, high: object) -> Number:
    """Return `max(low, min(value, high))`."""
    numbers = [_number_argument("clamp", each) for each in (value, low, high)]
    return in_range(larger(numbers[1], smaller(numbers[0], numbers[2])))


def rounded(value: object, digits: object) -> Number:
    """Return `value` rounded half-even to 0 to 9 digits after the point."""
    number = in_range(_number_argument("round", value))
    if not is_number(digits) or digits not in _DIGITS:
        raise _argument("round", digits, "0 to 9 digits")
    return in_range(round(number, int(cast("Number", digits))))


def absolute(value: object) -> Number:
    """Return the magnitude of a number."""
    return in_range(abs(_number_argument("abs", value)))


FUNCTIONS: Final[Mapping[FunctionName, Callable[..., Number]]] = {
    "int": truncated,
    "clamp": clamped,
    "round": rounded,
    "abs": absolute,
}
ARITY: Final[Mapping[FunctionName, int]] = {"int": 1, "clamp": 3, "round": 2, "abs": 1}


def points_value(value: object, code: Code) -> Number:
    """Return a number that a statement gives as points, or fail with the statement's code."""
    if is_number(value):
        return in_range(cast("Number", value))
    raise Fault(code, f"Points are a number, not {shown(value)}.", {"got": type_name(value)})


def case_name_value(value: object) -> str:
    """Return a computed case name, or fail."""
    if not isinstance(value, str):
        raise Fault(
            Code.DSL_SET_CASE_NAME_NOT_STRING,
            f"A case name is a text, not {shown(value)}.",
            {"got": type_name(value)},
        )
    if not is_case_name(value):
        raise Fault(Code.DSL_CASE_NAME, f"Not 1 to 200 printable characters: {shown(value)}.")
    return value


_EXACT: Final = 64.0


def settle(points: Number) -> Number:
    """Return the points of an outcome: half-even to 6 decimals, below 1e12; an integer stays one, and -0.0 is 0.0.

    A multiple of 1/64 has at most six decimals, so that it needs no rounding, which costs ten times the test.
    """
    if type(points) is float:
        points = points + 0.0 if points * _EXACT % 1.0 == 0.0 else round(points, 6) + 0.0
    if -MAX_POINTS < points < MAX_POINTS:
        return points
    raise Fault(
        Code.DSL_NUMBER_RANGE, f"Points stay below {MAX_POINTS:g}: {shown(points)}.", {"limit": MAX_POINTS}
    )


_LONGEST_NUMBER: Final = 24
_ESCAPED: Final = 6


def check_callback(callback: Mapping[str, object], max_bytes: int) -> None:
    """Fail if the callback data is larger than `max_bytes` as canonical JSON, or cannot be JSON.

    Sizes are first bounded from above, which is enough nearly always; only then is the JSON made.
    """
    bound = 2
    for key, value in callback.items():
        kind = type(value)
        bound += _ESCAPED * len(key) + 4
        if kind is str:
            bound += _ESCAPED * len(cast("str", value)) + 2
        elif (
            kind is bool
            or value is None
            or (is_number(value) and -MAX_NUMBER <= cast("Number", value) <= MAX_NUMBER)
        ):
            bound += _LONGEST_NUMBER
        else:
            bound = max_bytes + 1
        if bound > max_bytes:
            _measure_callback(callback, max_bytes)
            return


def _measure_callback(callback: Mapping[str, object], max_bytes: int) -> None:
    try:
        size = len(canonical_json(callback))
    except ValueError:
        raise Fault(
            Code.DSL_NUMBER_RANGE, "The callback data holds what JSON cannot: NaN, infinity, or broken text."
        ) from None
    if size > max_bytes:
        raise Fault(
            Code.DSL_CALLBACK_TOO_LARGE,
            f"The callback data has {size} bytes of JSON; {max_bytes} are allowed.",
            {"limit": max_bytes, "size": size},
        )
