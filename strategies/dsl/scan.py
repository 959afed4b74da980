"""A first look at what is said to be a program, before anything of ours or Python's recurses into it."""

from __future__ import annotations

from strategies.dsl.errors import Code, Problem
from strategies.dsl.limits import Limits


def scan(source: object, limits: Limits) -> Problem | None:
    """Return why `source` cannot even be looked at: nested too deeply, or more values than bytes are allowed.

    Walks with a stack of its own. One level of the language is at most two of JSON (a list of arguments and an
    object in it), so that twice the depth, and some for the program itself, bounds what decoding will recurse.
    """
    deepest = 2 * limits.max_depth + 8
    stack = [(source, 0)]
    n_values = 0
    while stack:
        value, depth = stack.pop()
        n_values += 1
        if depth > deepest:
            return Problem(
                Code.DSL_LIMIT_DEPTH,
                f"The program is nested more than {limits.max_depth} deep.",
                params={"limit": limits.max_depth},
            )
        if n_values > limits.max_size_bytes:
            return size_problem(limits)
        if isinstance(value, dict):
            stack.extend((item, depth + 1) for item in value.values())
        elif isinstance(value, list):
            stack.extend((item, depth + 1) for item in value)
    return None


def size_problem(limits: Limits, size: int | None = None) -> Problem:
    """Return the problem of a program that is too large; `size` in bytes, if it was measured."""
    params: dict[str, object] = {"limit": limits.max_size_bytes}
    if size is not None:
        params["size"] = size
    return Problem(
        Code.DSL_LIMIT_SIZE,
        f"The program has more than {limits.max_size_bytes} bytes of JSON.",
        params=params,
    )
