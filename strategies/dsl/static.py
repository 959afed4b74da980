"""What can be said of a value before any run: its possible types, and how large it can be.

The compiler leaves out the checks that cannot fail, and the validator warns of what cannot succeed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Flag, auto
from typing import Final, assert_never

from strategies.dsl.declarations import InputSpec, VariableSpec
from strategies.dsl.fields import FACTS, Source
from strategies.dsl.limits import MAX_NUMBER
from strategies.dsl.nodes import Arith, ArithOp, Expression, Field, FuncCall, Literal, Variable
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
    """The types a value can have, and the largest magnitude if it is a number (infinity: unknown, even NaN)."""

    types: Types
    magnitude: float = math.inf

    @property
    def is_number(self) -> bool:
        """Whether it is a number for certain."""
        return self.types is Types.NUMBER

    @property
    def nullable(self) -> bool:
        """Whether it can be null."""
        return Types.NULL in self.types

    def can_be(self, types: Types) -> bool:
        """Whether it can have one of the types."""
        return bool(self.types & types)


ANY: Final = Static(Types.ANY)
COMPUTED: Final = Static(Types.NUMBER, MAX_NUMBER)
CASE_NAME: Final = Static(Types.TEXT | Types.NULL)

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
            return Static(Types.NUMBER, abs(value))


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
                bound = arith_magnitude(node.op, self.of(node.left), self.of(node.right))
                return Static(Types.NUMBER, min(bound, MAX_NUMBER))
            case FuncCall():
                bound = function_magnitude(node, [self.of(arg) for arg in node.args])
                return Static(Types.NUMBER, min(bound, MAX_NUMBER))
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


def arith_magnitude(op: ArithOp, left: Static, right: Static) -> float:
    """Return how large the result of two numbers can be, before the check of the range."""
    match op:
        case "+" | "-":
            return left.magnitude + right.magnitude
        case "*":
            # inf * 0 would be NaN; an unknown factor may be infinite, so nothing is known
            return math.inf if math.inf in (left.magnitude, right.magnitude) else left.magnitude * right.magnitude
        case "/":
            return math.inf
        case "min" | "max":
            return max(left.magnitude, right.magnitude)
        case _:
            assert_never(op)


def function_magnitude(node: FuncCall, args: list[Static]) -> float:
    """Return how large the result of a function can be."""
    match node.name:
        case "clamp":
            return max(args[1].magnitude, args[2].magnitude)
        case "abs":
            return args[0].magnitude
        case "int" | "round":
            return MAX_NUMBER
        case _:
            assert_never(node.name)
