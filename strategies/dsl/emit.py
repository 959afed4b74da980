"""Generating Python for expressions and conditions; `codegen` does rules and statements, `compiler` the rest.

Every generated value comes with what is statically known of it, so that checks that cannot fail are left out. `Known`
are the local variables that surely hold a field or variable by now, as in a compiler's definite assignment: a condition
gives two, one for when it held and one for when it did not.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple, assert_never

from strategies.dsl.emitted import Known, Test, Value, after, count, in_both, in_local, not_null, onward
from strategies.dsl.fields import FACTS, Source
from strategies.dsl.functions import EQUALITY
from strategies.dsl.limits import MAX_NUMBER
from strategies.dsl.nodes import (
    And,
    Arith,
    Compare,
    Condition,
    Expression,
    Field,
    FuncCall,
    Literal,
    Node,
    Not,
    Or,
    Variable,
)
from strategies.dsl.program import Level, Program
from strategies.dsl.quoting import Hole, constant, expression, name
from strategies.dsl.static import (
    ANY,
    CASE_NAME,
    COMPUTED,
    Static,
    Types,
    checked,
    of_arith,
    of_fact,
    of_function,
    of_value,
    of_variable,
)
from strategies.dsl.values import TypeName

_GUARDS: Final[dict[TypeName, str]] = {
    "number": "type(T := X) is int or type(T) is float",
    "text": "type(T := X) is str",
    "boolean": "type(T := X) is bool",
}


class _Promise(NamedTuple):
    """A value that comes from our own code: where it is read, its type, and what is called if it is not so."""

    source: str
    key: str
    type: TypeName
    static: Static
    failure: str


class Emitter:
    """Generates values and tests. Lines are numbered by `places`: line 1 is the first (level, node), and so on."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.places: list[tuple[Level, Node]] = []
        self.level = program.levels[0]
        self.data_name = "data"
        self._locals: dict[tuple[str, str], str] = {}
        self._n_temporaries = 0

    def line(self, node: Node) -> int:
        """Give a node its line."""
        self.places.append((self.level, node))
        return len(self.places)

    def local(self, kind: str, key: str) -> str:
        """Return the local variable for a field or variable: numbered, never named by the author."""
        return self._locals.setdefault((kind, key), f"{kind}{len(self._locals)}")

    def temporary(self) -> str:
        self._n_temporaries += 1
        return f"t{self._n_temporaries}"

    def bind(self, value: Value, line: int) -> tuple[ast.expr, ast.expr]:
        """Return code that evaluates a value, and code to read it again."""
        if value.trivial:
            return value.code, value.code
        if value.local is not None:
            return value.code, name(value.local, line)
        local = self.temporary()
        return expression("(T := X)", line, T=local, X=value.code), name(local, line)

    # Expressions

    def value(self, node: Expression, known: Known) -> Value:
        """Return the code of an expression; `known` learns what it loads."""
        line = self.line(node)
        match node:
            case Literal():
                return Value(constant(node.value, line), of_value(node.value), can_fail=False)
            case Field():
                return self._field(node, known, line)
            case Variable():
                return self._variable(node, known, line)
            case Arith():
                return self._arith(node, known, line)
            case FuncCall():
                return self._func_call(node, known, line)
            case _:
                assert_never(node)

    def _field(self, node: Field, known: Known, line: int) -> Value:
        match node.source:
            case Source.FACT:
                spec = FACTS[node.name]
                promise = _Promise("facts", node.name, spec.type, of_fact(node.name), "bad_fact")
                return self._guarded(promise, known, line)
            case Source.DATA:
                return self._data(node, known, line)
            case Source.RESULT:
                local = f"result_{node.name}{self.level.number}"
                static = COMPUTED if node.name == "points" else CASE_NAME
                return in_local(local, static, line)
            case _:
                assert_never(node.source)

    def _data(self, node: Field, known: Known, line: int) -> Value:
        holes: dict[str, Hole] = {"DATA": self.data_name, "K": constant(node.name, line)}
        if node.name in self.program.written_keys:
            # set_data may change it between two reads
            read = expression("DATA[K]", line, **holes)
            return Value(read, ANY, can_fail=False)
        local = self.local("data", node.name)
        if local in known:
            return in_local(local, known[local], line)
        known[local] = ANY
        read = expression("(T := DATA[K])", line, T=local, **holes)
        return Value(read, ANY, can_fail=False, local=local)

    def _variable(self, node: Variable, known: Known, line: int) -> Value:
        if node.name in self.level.constants:
            shadowed = self.level.constants[node.name]
            return Value(constant(shadowed, line), of_value(shadowed), can_fail=False)
        spec = self.level.variables[node.name]
        promise = _Promise("variables", node.name, spec.type, of_variable(spec), "bad_variable")
        return self._guarded(promise, known, line)

    def _guarded(self, promise: _Promise, known: Known, line: int) -> Value:
        """Read a value that is promised to be of a type, once, and hold it to that."""
        local = self.local(promise.source, promise.key)
        if local in known:
            return in_local(local, known[local], line)
        known[local] = promise.static
        read = expression("SOURCE[K]", line, SOURCE=promise.source, K=constant(promise.key, line))
        guard = _GUARDS[promise.type] + (" or T is None" if promise.static.nullable else "")
        code = expression(f"T if {guard} else {promise.failure}()", line, T=local, X=read)
        return Value(code, promise.static, local=local)

    def _arith(self, node: Arith, known: Known, line: int) -> Value:
        setup, (left, right) = self._operands((node.left, node.right), known, line)
        static = of_arith(node.op, left.static, right.static)
        left, right = (self.number(each, "bad_operand", known, line) for each in (left, right))
        if node.op in ("min", "max"):
            code = self._chosen(">" if node.op == "min" else "<", left, right, line)
        else:
            code = expression(f"L {node.op} R", line, L=left.code, R=right.code)
        return self._computed(setup, code, static, line)

    def _operands(
        self, nodes: Sequence[Expression], known: Known, line: int
    ) -> tuple[list[ast.expr], list[Value]]:
        """Return operands and what has to be evaluated before them.

        All are evaluated before any is checked. Where a check could come before an evaluation that can fail, and so
        name another node than the interpreter does, the operands are put into temporaries first.
        """
        values = [self.value(node, known) for node in nodes]
        unchecked = next((i for i, value in enumerate(values) if not value.static.is_number), len(values))
        if not any(value.can_fail for value in values[unchecked + 1 :]):
            return [], values
        return self.held(values, line)

    def held(self, values: Sequence[Value], line: int) -> tuple[list[ast.expr], list[Value]]:
        """Return code that evaluates values into temporaries, and the values to be read from there."""
        setup, held = [], []
        for value in values:
            code, again = self.bind(value, line)
            if not value.trivial:
                setup.append(code)
            held.append(Value(again, value.static, can_fail=False, local=value.local))
        return setup, held

    def number(self, value: Value, failure: str, known: Known, line: int) -> Value:
        """Return a value held to be a number; a local that passed is known as one from then on."""
        if value.static.is_number:
            return value
        if not value.static.can_be(Types.NUMBER):
            # Evaluated all the same: it may fail before this does
            return Value(after([value.code], expression(f"{failure}()", line), line), COMPUTED)
        local = value.local or self.temporary()
        static = replace(value.static, types=Types.NUMBER)
        if value.local is None:
            code = expression(f"T if {_GUARDS['number']} else {failure}()", line, T=local, X=value.code)
        else:
            guard = "type(X) is int or type(T) is float"
            code = expression(f"T if {guard} else {failure}()", line, T=local, X=value.code)
            if local in known:
                known[local] = static
        return Value(code, static, local=local)

    def _chosen(self, op: str, left: Value, right: Value, line: int) -> ast.expr:
        """Return the right operand if `left op right`, else the left one."""
        left_code, left_again = self.bind(left, line)
        right_code, right_again = self.bind(right, line)
        template = f"RIGHT_AGAIN if LEFT {op} RIGHT else LEFT_AGAIN"
        return expression(
            template, line, LEFT=left_code, RIGHT=right_code, LEFT_AGAIN=left_again, RIGHT_AGAIN=right_again
        )

    def _computed(self, setup: list[ast.expr], code: ast.expr, static: Static, line: int) -> Value:
        """Return a computed number, held to be in range."""
        return Value(after(setup, self.in_range(code, static, line), line), checked(static))

    def in_range(self, code: ast.expr, static: Static, line: int) -> ast.expr:
        """Return code held to be finite and within 1e15, on the sides where it is not for certain."""
        # One temporary serves all: it is read right after it was written
        match static.low >= -MAX_NUMBER, static.high <= MAX_NUMBER:
            case True, True:
                return code
            case True, False:
                template = "t if (t := X) <= LIMIT else out_of_range()"
            case False, True:
                template = "t if -LIMIT <= (t := X) else out_of_range()"
            case _:
                template = "t if -LIMIT <= (t := X) <= LIMIT else out_of_range()"
        return expression(template, line, X=code, LIMIT=constant(MAX_NUMBER, line))

    def _func_call(self, node: FuncCall, known: Known, line: int) -> Value:
        if node.name == "clamp":
            return self._clamp(node, known, line)
        args = [self.value(arg, known) for arg in node.args]
        call = ast.copy_location(
            ast.Call(name(f"function_{node.name}", line), [arg.code for arg in args], []), name("x", line)
        )
        return Value(call, of_function(node.name, [arg.static for arg in args]))

    def _clamp(self, node: FuncCall, known: Known, line: int) -> Value:
        setup, (value, low, high) = self._operands(node.args, known, line)
        static = of_function(node.name, [value.static, low.static, high.static])
        value, low, high = (self.number(each, "bad_argument", known, line) for each in (value, low, high))
        if not low.trivial:
            # low is evaluated between the other two
            bound_values, (value, low, high) = self.held((value, low, high), line)
            setup = [*setup, *bound_values]
        # The larger of low and this: high and value first, since low may be a local that they load
        top, top_again = self.bind(Value(self._chosen(">", value, high, line), COMPUTED), line)
        template = "AGAIN if TOP > LOW else LOW"
        code = expression(template, line, TOP=top, AGAIN=top_again, LOW=low.code)
        return self._computed(setup, code, static, line)

    # Conditions

    def test(self, node: Condition, known: Known) -> Test:
        """Return the code of a condition. `known` is not changed."""
        match node:
            case Compare():
                return self._compare(node, dict(known))
            case And() | Or():
                return self._junction(node, known)
            case Not():
                line = self.line(node)
                inner = self.test(node.arg, known)
                code = expression("not X", line, X=inner.code)
                return Test(code, inner.n_nodes + 1, inner.if_false, inner.if_true)
            case Literal() | Field() | Variable():
                loaded = dict(known)
                value = self.value(node, loaded)
                return Test(value.code, 1 if isinstance(node, Variable) else 2, loaded, loaded)
            case _:
                assert_never(node)

    def _junction(self, node: And | Or, known: Known) -> Test:
        """Return the code of and / or; an operand that may be skipped counts its nodes when it is reached."""
        line = self.line(node)
        is_and = isinstance(node, And)
        first = self.test(node.args[0], known)
        operands: list[ast.expr] = [first.code]
        going_on, stopped = onward(first, is_and)
        for arg in node.args[1:]:
            test = self.test(arg, going_on)
            # n is above zero from there on, so that counting decides nothing
            step = expression("(n := n + K)", line, K=constant(test.n_nodes, line))
            operands += (
                [step, test.code] if is_and else [expression("STEP and X", line, STEP=step, X=test.code)]
            )
            going_on, ended = onward(test, is_and)
            stopped = in_both(stopped, ended)
        code = first.code
        if len(operands) > 1:
            code = ast.copy_location(ast.BoolOp(ast.And() if is_and else ast.Or(), operands), name("x", line))
        if_true, if_false = (going_on, stopped) if is_and else (stopped, going_on)
        return Test(code, first.n_nodes + 1, if_true, if_false)

    def _compare(self, node: Compare, known: Known) -> Test:
        line = self.line(node)
        left, right = self.value(node.left, known), self.value(node.right, known)
        n_nodes = 1 + count(node.left) + count(node.right)
        if node.op in EQUALITY:
            code = expression(f"L {node.op} R", line, L=left.code, R=right.code)
        else:
            code = self._ordered(node.op, left, right, line)
        return Test(code, n_nodes, known, known)

    def _ordered(self, op: str, left: Value, right: Value, line: int) -> ast.expr:
        """Return an ordering: false with null, an error for lists, which Python would order."""
        lists = left.static.can_be(Types.OTHER) and right.static.can_be(Types.OTHER)
        nullable = left.static.nullable, right.static.nullable
        setup: list[ast.expr] = []
        if any(nullable) and not (right.trivial if nullable[0] else left.trivial):
            # A null on one side must not keep the other from being evaluated
            setup, (left, right) = self.held((left, right), line)
        left_code, left_again = self.bind(left, line) if nullable[0] else (left.code, left.code)
        right_code, right_again = self.bind(right, line) if nullable[1] else (right.code, right.code)
        tests = [
            not_null(code, line)
            for value, code in ((left, left_code), (right, right_code))
            if value.static.nullable
        ]
        holds = expression(f"L {op} R", line, L=left_again, R=right_again)
        if lists:
            holds = expression("bad_order() if type(L) is list else X", line, L=left_again, X=holds)
        for test in reversed(tests):
            holds = expression("TEST and X", line, TEST=test, X=holds)
        return after(setup, holds, line)
