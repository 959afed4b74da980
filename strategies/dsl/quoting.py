"""Building Python syntax trees from templates.

A template is Python text of ours; its names in capitals are holes. What fills a hole is a tree, a list of statements,
or (as a text) the name of a local variable of ours. Text of a strategy's author can only get in as a constant.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import cache
from typing import TypeAlias, TypeVar, cast

_Tree = TypeVar("_Tree", bound=ast.AST)

Hole: TypeAlias = ast.expr | list[ast.stmt] | str


def constant(value: object, line: int) -> ast.expr:
    """Return a constant; a negative number is one too, not a negated one."""
    return _at(ast.Constant(cast("str", value)), line)


def name(text: str, line: int) -> ast.expr:
    """Return a read of a local variable or a global of the generated function."""
    return _at(ast.Name(text, ast.Load()), line)


def expression(template: str, line: int, **holes: Hole) -> ast.expr:
    """Return an expression; its own parts stand at `line`, the holes' where they stood."""
    parsed = _parsed(template).body[0]
    if not isinstance(parsed, ast.Expr):
        raise TypeError(f"not an expression: {template}")
    return cast("ast.expr", _filled(parsed.value, line, holes))


def block(template: str, line: int, **holes: Hole) -> list[ast.stmt]:
    """Return statements; a hole that stands alone on a line takes a list of them."""
    return cast("list[ast.stmt]", _filled_list(_parsed(template).body, line, holes))


@cache
def _parsed(template: str) -> ast.Module:
    return ast.parse(template)


def _filled(node: ast.AST, line: int, holes: dict[str, Hole]) -> ast.AST:
    if isinstance(node, ast.Name):
        hole = holes.get(node.id, node.id)
        if isinstance(hole, ast.expr):
            return hole
        return _at(ast.Name(cast("str", hole), node.ctx), line)
    copy = type(node)()
    for key, value in ast.iter_fields(node):
        if isinstance(value, list):
            setattr(copy, key, _filled_list(value, line, holes))
        else:
            setattr(copy, key, _filled(value, line, holes) if isinstance(value, ast.AST) else value)
    return _at(copy, line) if isinstance(copy, ast.expr | ast.stmt | ast.arg | ast.excepthandler) else copy


def _filled_list(nodes: Sequence[ast.AST | None], line: int, holes: dict[str, Hole]) -> list[ast.AST | None]:
    filled: list[ast.AST | None] = []
    for node in nodes:
        alone = node.value if isinstance(node, ast.Expr) else None
        hole = holes.get(alone.id) if isinstance(alone, ast.Name) else None
        if isinstance(hole, list):
            filled.extend(hole)
        else:
            # The keys of a dict display hold None for an unpacked dict
            filled.append(node if node is None else _filled(node, line, holes))
    return filled


def _at(node: _Tree, line: int) -> _Tree:
    for attribute, value in (
        ("lineno", line),
        ("end_lineno", line),
        ("col_offset", 0),
        ("end_col_offset", 0),
    ):
        setattr(node, attribute, value)
    return node
