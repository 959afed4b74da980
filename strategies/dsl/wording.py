"""Nodes in words, for people who read traces: with or without the values that a run gave them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

from strategies.dsl.nodes import (
    AddPoints,
    And,
    Arith,
    AssignPoints,
    Compare,
    Condition,
    Expression,
    Field,
    FuncCall,
    Literal,
    Node,
    Not,
    Or,
    Return,
    SetCallbackData,
    SetCaseName,
    SetData,
    SetPoints,
    Statement,
    Variable,
    Veto,
)
from strategies.dsl.values import shown

Values: TypeAlias = Mapping[Node, object]
"""What a run made of each node that it evaluated."""

NO_VALUES: Final[Values] = {}


def expression_text(node: Expression, values: Values = NO_VALUES) -> str:
    """Return an expression in words; fields and variables are followed by their values where they have one."""
    match node:
        case Literal():
            return shown(node.value)
        case Field():
            return _with_value(node.field, node, values)
        case Variable():
            return _with_value(node.name, node, values)
        case Arith(op="min" | "max"):
            text = f"{node.op}({expression_text(node.left, values)}, {expression_text(node.right, values)})"
        case Arith():
            text = f"{_operand(node.left, values)} {node.op} {_operand(node.right, values)}"
        case FuncCall():
            text = f"{node.name}({', '.join(expression_text(arg, values) for arg in node.args)})"
    return text


def _with_value(text: str, node: Node, values: Values) -> str:
    return f"{text} {shown(values[node])}" if node in values else text


def _operand(node: Expression, values: Values) -> str:
    """Return an operand; arithmetic within arithmetic stands in brackets."""
    text = expression_text(node, values)
    return f"({text})" if isinstance(node, Arith) and node.op not in ("min", "max") else text


def condition_text(node: Condition, values: Values = NO_VALUES) -> str:
    """Return a condition in words. With values, an and / or shows only the operands that were evaluated."""
    match node:
        case Compare():
            return f"{_side(node.left, values)} {node.op} {_side(node.right, values)}"
        case And() | Or():
            args = [arg for arg in node.args if not values or arg in values]
            if isinstance(node, Or) and values.get(node) is True:
                args = args[-1:]
            texts = [_nested(arg, values) for arg in args]
            return f" {node.type} ".join(texts)
        case Not():
            return f"not ({condition_text(node.arg, values)})"
        case Literal(value=True):
            return "always"
        case Literal() | Field() | Variable():
            return expression_text(node, values)


def _nested(node: Condition, values: Values) -> str:
    text = condition_text(node, values)
    return f"({text})" if isinstance(node, And | Or) and len(node.args) > 1 else text


def _side(node: Expression, values: Values) -> str:
    """Return a side of a comparison; a computed one with its result."""
    text = expression_text(node, values)
    return (
        f"({text} = {shown(values[node])})" if isinstance(node, Arith | FuncCall) and node in values else text
    )


def statement_text(node: Statement) -> str:
    """Return a statement in words."""
    match node:
        case AssignPoints():
            text = f"assign {expression_text(node.value)} points, case {node.case_name}"
        case AddPoints():
            text = f"add {expression_text(node.value)} points, {node.label}"
        case SetCallbackData():
            text = f"callback data {shown(node.key)} = {expression_text(node.value)}"
        case SetData():
            text = f"data.{node.key} = {expression_text(node.value)}"
        case SetPoints():
            text = f"points = {expression_text(node.value)}"
        case SetCaseName():
            text = f"case = {expression_text(node.value)}"
        case Veto():
            text = f"veto, case {node.case_name}"
        case Return():
            text = "return"
    return text


def points_text(points: object, sign: str = "") -> str:
    """Return "1 point", "11 points", or with a sign "+5 points"."""
    number = f"{points:{sign}g}" if isinstance(points, float) and abs(points) < 1e6 else f"{points:{sign}}"
    return f"{number} point" if points in (1, -1) else f"{number} points"
