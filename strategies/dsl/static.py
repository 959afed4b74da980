"""What can be said of a value before any run: its possible types, and how large it can be.

The compiler leaves out the checks that cannot fail, and the validator warns of what cannot succeed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Flag, auto
from typing import Final, assert_never

from strategies.dsl.declarations import InputSpec, VariableSpec
from strategies.dsl.fields import FACTS, Source
from strategies.dsl.limits import MAX_NUMBER
from strategies.dsl.nodes import Arith, ArithOp, Expression, Field, FuncCall, FunctionName, Literal, Variable
from strategies.dsl.values import Scalar, TypeName


class Types(Flag):
    """A set of types; OTHER is a list or an object."""

    NONE = 0
    NULL = auto()
    BOOLEAN = auto()
    NUMBER = auto()
    TEXT = auto()
    OTHER = auto()
    ANY = NULL | BOOLEAN | NUMBER | TEXT | OTHER


@dataclass(frozen=True, slots=True)
class Static:
    """The types a value can have, and the bounds it has if it is a number.

    An infinite bound means that nothing is known of that side: the value may even be NaN.
    """

    types: Types
    low: float = -math.inf
    high: float = math.inf

    @property
    def is_number(self) -> bool:
        """Whether it is a number for certain."""
        return self.types is Types.NUMBER

    @property
    def nullable(self) -> bool:
        """Whether it can be null."""
        return Types.NULL in self.types

    @property
    def in_range(self) -> bool:
        """Whether, if it is a number, it is within the language's range for certain."""
        return self.low >= -MAX_NUMBER and self.high <= MAX_NUMBER

    def can_be(self, types: Types) -> bool:
        """Whether it can have one of the types."""
        return bool(self.types & types)

    def or_else(self, other: Static) -> Static:
        """Return what is known of a value that is either."""
        return Static(self.types | other.types, min(self.low, other.low), max(self.high, other.high))


ANY: Final = Static(Types.ANY)
COMPUTED: Final = Static(Types.NUMBER, -MAX_NUMBER, MAX_NUMBER)
CASE_NAME: Final = Static(Types.TEXT | Types.NULL)

_ROUNDING: Final = 1e-12

_NAMED: Final[dict[TypeName, Types]] = {
    "number": Types.NUMBER,
    "text": Types.TEXT,
    "boolean": Types.BOOLEAN,
}


def of_value(value: Scalar) -> Static:
    """Return what is known of a constant."""
    match value:
        case None:
            return Static(Types.NULL)
        case bool():
            return Static(Types.BOOLEAN)
        case str():
            return Static(Types.TEXT)
        case _:
            return Static(Types.NUMBER, value, value)


def of_fact(path: str) -> Static:
    """Return what the catalogue says of a fact; the executors check that the fact given is so."""
    spec = FACTS[path]
    return Static(_NAMED[spec.type] | (Types.NULL if spec.default is None else Types.NONE))


def of_variable(spec: VariableSpec) -> Static:
    """Return what a declaration says of a variable; the executors check the type, not the range."""
    return Static(_NAMED[spec.type])


def of_input(spec: InputSpec) -> Static:
    """Return what a declared input is after `prepare_data`."""
    return Static(_NAMED[spec.type] | (Types.NULL if spec.nullable else Types.NONE))


@dataclass(frozen=True, slots=True)
class Names:
    """What is known of the names that an expression reads; keys of the data that are not listed can be anything."""

    variables: Mapping[str, Static]
    data: Mapping[str, Static]

    def of(self, node: Expression) -> Static:
        """Return what is known of an expression's value, if it has one."""
        match node:
            case Literal():
                return of_value(node.value)
            case Variable():
                return self.variables.get(node.name, ANY)
            case Field():
                return self._of_field(node)
            case Arith():
                return checked(of_arith(node.op, self.of(node.left), self.of(node.right)))
            case FuncCall():
                return checked(of_function(node.name, [self.of(arg) for arg in node.args]))
            case _:
                assert_never(node)

    def _of_field(self, node: Field) -> Static:
        match node.source:
            case Source.FACT:
                return of_fact(node.name)
            case Source.DATA:
                return self.data.get(node.name, ANY)
            case Source.RESULT:
                return COMPUTED if node.name == "points" else CASE_NAME
            case _:
                assert_never(node.source)


def checked(static: Static) -> Static:
    """Return what is known of a number after the check of its range."""
    return Static(Types.NUMBER, max(static.low, -MAX_NUMBER), min(static.high, MAX_NUMBER))


def of_arith(op: ArithOp, left: Static, right: Static) -> Static:
    """Return what is known of the result of two numbers before the check of its range.

    Where the result may be NaN, one bound at least is infinite, so that a check is made, which NaN never passes.
    The bounds are themselves computed in floating point: those of sums and products are taken a little wider.
    """
    match op:
        case "min":
            return Static(Types.NUMBER, min(left.low, right.low), min(left.high, right.high))
        case "max":
            return Static(Types.NUMBER, max(left.low, right.low), max(left.high, right.high))
        case "+":
            return _wider(left.low + right.low, left.high + right.high)
        case "-":
            return _wider(left.low - right.high, left.high - right.low)
        case "*" if math.inf not in (-left.low, left.high, -right.low, right.high):
            products = [a * b for a in (left.low, left.high) for b in (right.low, right.high)]
            return _wider(min(products), max(products))
        case "*" | "/":
            return Static(Types.NUMBER)
        case _:
            assert_never(op)


def of_function(name: FunctionName, args: Sequence[Static]) -> Static:
    """Return what is known of the result of a function before the check of its range."""
    match name:
        case "clamp":
            value, low, high = args
            return of_arith("max", low, of_arith("min", value, high))
        case "int" | "round" | "abs":
            return COMPUTED
        case _:
            assert_never(name)


def _wider(low: float, high: float) -> Static:
    return Static(Types.NUMBER, low - abs(low) * _ROUNDING, high + abs(high) * _ROUNDING)
