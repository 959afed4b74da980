"""Pieces of generated code, and what is known of them."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, assert_never

from strategies.dsl.nodes import Arith, Expression, Field, FuncCall, Literal, Variable
from strategies.dsl.quoting import constant, expression, name
from strategies.dsl.static import Static

Known: TypeAlias = dict[str, Static]


@dataclass(frozen=True, slots=True)
class Value:
    """Generated code of a value; `local` is the variable that holds it once the code has run, if one does.

    Trivial code is a constant or a local: it may be repeated, and cannot fail.
    """

    code: ast.expr
    static: Static
    can_fail: bool = True
    local: str | None = None

    @property
    def trivial(self) -> bool:
        return isinstance(self.code, ast.Constant | ast.Name)


class Test(NamedTuple):
    """Generated code of a condition, the nodes that it visits at least, and what is known after it."""

    code: ast.expr
    n_nodes: int
    if_true: Known
    if_false: Known


def not_null(code: ast.expr, line: int) -> ast.expr:
    if isinstance(code, ast.Constant):
        return constant(code.value is not None, line)
    return expression("X is not None", line, X=code)


def in_local(local: str, static: Static, line: int) -> Value:
    return Value(name(local, line), static, can_fail=False, local=local)


def onward(test: Test, is_and: bool) -> tuple[Known, Known]:  # noqa: FBT001 - and, or
    """Return what is known where the operands go on, and where they end."""
    return (test.if_true, test.if_false) if is_and else (test.if_false, test.if_true)


def in_both(left: Known, right: Known) -> Known:
    """Return what is known on both of two ways."""
    return {local: static.or_else(right[local]) for local, static in left.items() if local in right}


def count(node: Expression) -> int:
    """Return how many nodes an expression visits: all it has."""
    match node:
        case Arith():
            return 1 + count(node.left) + count(node.right)
        case FuncCall():
            return 1 + sum(count(arg) for arg in node.args)
        case Literal() | Field() | Variable():
            return 1
        case _:
            assert_never(node)


def after(setup: list[ast.expr], code: ast.expr, line: int) -> ast.expr:
    """Return code that is evaluated after `setup`, whose values are dropped: a tuple that is never empty is true."""
    if not setup:
        return code
    first = ast.copy_location(ast.Tuple(setup, ast.Load()), code)
    return expression("FIRST and X", line, FIRST=first, X=code)
