"""Generating the Python function of a program: sections, rules and statements; `emit` does values and conditions.

How many nodes were visited is worked out here as far as it can be: what surely ran is one number, kept in `_offset`
while the function is written; only what a condition may skip is counted at run time, in `n`. The two are added where
the function is left.

A section is a loop that ends after one round: `break` is how a statement halts it.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from functools import reduce
from typing import Final, assert_never

from strategies.dsl.canonical import canonical_json
from strategies.dsl.emit import Emitter
from strategies.dsl.emitted import Known, Value, count, in_both
from strategies.dsl.limits import MAX_NUMBER, MAX_POINTS, Limits
from strategies.dsl.nodes import (
    AddPoints,
    AssignPoints,
    Branch,
    Literal,
    Return,
    Rule,
    SetCallbackData,
    SetCaseName,
    SetData,
    SetPoints,
    Statement,
    Veto,
    walk,
)
from strategies.dsl.outcome import AWARD, NO_AWARD, VETO
from strategies.dsl.program import Level, Program
from strategies.dsl.quoting import Hole, block, constant, expression
from strategies.dsl.static import Types, of_input

_ROOT_LINE: Final = 1

_SHORT_VALUE: Final = 24
"""Bytes of JSON of the longest number in range; null and booleans take less."""


class Generator(Emitter):
    """Writes the function of one program."""

    def __init__(self, program: Program, limits: Limits) -> None:
        super().__init__(program)
        self._limits = limits
        self._offset = 0
        self._exits: list[Known] = []
        self._callback_bytes = 2
        self._callback_unsure = False
        self._adds_points = any(
            isinstance(node, AddPoints) for level in program.levels for node in walk(level.root)
        )

    def function(self) -> ast.Module:
        """Return a module that holds nothing but the function."""
        line = self.line(self.program.root)
        known: Known = {}
        prelude = self._inputs(known, line) if self.program.inputs else []
        body = [*prelude, *self._level(0, known)]
        start = "n = 0\np = c = None\ncb = {}"
        if self._adds_points:
            start += "\nbonus = 0\nbonuses = ()"
        if self._callback_unsure:
            start += "\nunsure = False"
        code = [*block(start, line), *body, *self._finish(line)]
        functions = block("def run(facts, data, variables):\n    BODY", line, BODY=code)
        return ast.Module(functions, [])

    def _inputs(self, known: Known, line: int) -> list[ast.stmt]:
        """Check the declared inputs: all at once and in place, and only if that fails by `prepare_data`."""
        tests: list[ast.expr] = []
        again: list[ast.stmt] = []
        templates = {
            "number": "type(T := data[K]) is int or type(T) is float",
            "text": "type(T := data[K]) is str",
            "boolean": "type(T := data[K]) is bool",
        }
        for key, spec in self.program.inputs.items():
            local = self.local("data", key)
            holes: dict[str, Hole] = {"T": local, "K": constant(key, line)}
            tests.append(expression(templates[spec.type], line, **holes))
            again += block("T = data[K]", line, **holes)
            if key not in self.program.written_keys:
                known[local] = of_input(spec)
        good = ast.copy_location(ast.BoolOp(ast.And(), tests), tests[0]) if len(tests) > 1 else tests[0]
        template = "try:\n    good = GOOD\nexcept KeyError:\n    good = False\nif not good:\n    data = prepare(data)\n    AGAIN"
        return block(template, line, GOOD=good, AGAIN=again)

    def _finish(self, line: int) -> list[ast.stmt]:
        """Round and check what came of the run: `functions.settle`, written out."""
        bonuses = "bonuses" if self._adds_points else "()"
        holes = {"K": constant(self._offset, line)}
        template = f"""
if p is None:
    return new(Outcome, ({NO_AWARD!r}, 0, None, cb, (), n + K))
if type(p) is float:
    p = p + 0.0 if p * 64.0 % 1.0 == 0.0 else round(p, 6) + 0.0
if not -LIMIT < p < LIMIT:
    out_of_range()
return new(Outcome, ({AWARD!r}, p, c, cb, {bonuses}, n + K))
"""
        return [*self._callback_check(), *block(template, line, LIMIT=constant(MAX_POINTS, line), **holes)]

    def _callback_check(self) -> list[ast.stmt]:
        """Check the size of the callback data, if what was written up to here can be too large."""
        if self._callback_bytes > self._limits.max_callback_bytes:
            return block("check_callback(cb)", _ROOT_LINE)
        return block("if unsure:\n    check_callback(cb)", _ROOT_LINE) if self._callback_unsure else []

    # Programs and their sections

    def _level(self, number: int, known: Known) -> list[ast.stmt]:
        """Write one program of the chain, its parent in between."""
        level = self.program.levels[number]
        line = self._enter(level)
        self._offset += 1
        inherited_data = self.data_name
        code: list[ast.stmt] = []
        if any(isinstance(node, SetData) for rule in level.root.pre_rules for node in walk(rule)):
            self.data_name = f"working{number}"
            code += block("WORKING = {**DATA}", line, WORKING=self.data_name, DATA=inherited_data)
        code += self._section(level, level.root.pre_rules, known)
        if level.parented:
            code += self._level(number + 1, known)
            line = self._enter(level)
        else:
            code += self._body(level, known, line)
        if level.root.post_rules:
            results = "POINTS = 0 if p is None else p\nCASE = c"
            names = {"POINTS": f"result_points{number}", "CASE": f"result_case_name{number}"}
            code += block(results, line, **names)
            code += self._section(level, level.root.post_rules, known)
            code += block("if p is None:\n    c = None", line)
        self.data_name = inherited_data
        return code

    def _enter(self, level: Level) -> int:
        self.level = level
        return self.line(level.root)

    def _body(self, level: Level, known: Known, line: int) -> list[ast.stmt]:
        """Write the rules and default of a FULL program, and add up."""
        code = self._section(level, level.root.rules, known, level.root.default)
        if self._adds_points:
            template = """
if bonuses:
    if p is None:
        p = bonus
        c = bonuses[-1][0]
    else:
        p = p + bonus
    if not -LIMIT <= p <= LIMIT:
        out_of_range()
"""
            code += block(template, line, LIMIT=constant(MAX_NUMBER, line))
        return code

    def _section(
        self, level: Level, rules: Sequence[Rule], known: Known, default: Statement | None = None
    ) -> list[ast.stmt]:
        """Write a section; `known` is what is known before, and afterwards what is known after it."""
        line = len(self.places)
        self._exits = []
        code: list[ast.stmt] = []
        for rule in rules:
            code += self._rule(rule, known)
        if default is not None:
            code += self._last(default, known)
        if self._exits:
            leave = block("n = n + K\nbreak", line, K=constant(self._offset, line))
            code = block("while True:\n    BODY", line, BODY=[*code, *leave])
            self._offset = 0
            _become(known, reduce(in_both, self._exits, known))
        return code

    def _rule(self, rule: Rule, known: Known) -> list[ast.stmt]:
        self.line(rule)
        self._offset += 1
        first, *others = rule.branches
        code, known_after = self._branch(first, others, known, counted=True)
        _become(known, known_after)
        return code

    def _branch(
        self, branch: Branch, others: Sequence[Branch], known: Known, *, counted: bool
    ) -> tuple[list[ast.stmt], Known]:
        """Write a branch and those after it; return also what is known whichever was taken.

        The first branch's condition is always tried, so that its nodes are `counted` by the offset.
        """
        if branch.when is None:
            return self._statements(branch.then, dict(known)), known
        test = self.test(branch.when, known)
        line = len(self.places)
        code = test.code
        if counted:
            self._offset += test.n_nodes
        else:
            step = constant(test.n_nodes + 1, line)
            code = expression("(n := n + K) and X", line, K=step, X=code)
        then = self._statements(branch.then, dict(test.if_true))
        otherwise: list[ast.stmt] = []
        if others:
            otherwise, _ = self._branch(others[0], others[1:], test.if_false, counted=False)
        made = ast.copy_location(ast.If(code, then, otherwise), then[0])
        return [made], in_both(test.if_true, test.if_false)

    # Statements

    def _statements(self, statements: Sequence[Statement], known: Known) -> list[ast.stmt]:
        """Write the statements of a branch, up to the first that halts; their nodes count when it is taken."""
        code: list[ast.stmt] = []
        n_nodes = 0
        for statement in statements:
            n_nodes += _count(statement)
            code += self._statement(statement, known, n_nodes)
            if isinstance(statement, Veto):
                return code
            if isinstance(statement, AssignPoints | Return):
                self._exits.append(known)
                line = self.line(statement)
                return [*code, *block("n = n + K\nbreak", line, K=constant(self._offset + n_nodes, line))]
        line = len(self.places)
        return [*code, *block("n = n + K", line, K=constant(n_nodes, line))]

    def _last(self, statement: Statement, known: Known) -> list[ast.stmt]:
        """Write the default: the section ends after it anyhow."""
        n_nodes = _count(statement)
        code = self._statement(statement, known, n_nodes)
        self._offset += n_nodes
        return code

    def _statement(self, statement: Statement, known: Known, n_nodes: int) -> list[ast.stmt]:
        line = self.line(statement)
        match statement:
            case Return():
                code: list[ast.stmt] = []
            case Veto():
                code = self._veto(statement, n_nodes, line)
            case AssignPoints():
                points = self._points(statement, "not_assigned", known, line)
                code = block("p = X\nc = CASE", line, X=points, CASE=constant(statement.case_name, line))
            case AddPoints():
                code = self._add_points(statement, known, line)
            case SetCallbackData():
                code = self._callback(statement, known, line)
            case SetData():
                value = self.value(statement.value, known)
                key = constant(statement.key, line)
                code = block("DATA[K] = X", line, DATA=self.data_name, K=key, X=value.code)
            case SetPoints():
                code = block("p = X", line, X=self._points(statement, "not_set", known, line))
            case SetCaseName():
                code = block("c = case_name(X)", line, X=self.value(statement.value, known).code)
            case _:
                assert_never(statement)
        return code

    def _veto(self, statement: Veto, n_nodes: int, line: int) -> list[ast.stmt]:
        code = f"return new(Outcome, ({VETO!r}, 0, CASE, cb, (), n + K))"
        n_visited = constant(self._offset + n_nodes, line)
        leave = block(code, line, CASE=constant(statement.case_name, line), K=n_visited)
        return [*self._callback_check(), *leave]

    def _points(
        self, statement: AssignPoints | AddPoints | SetPoints, failure: str, known: Known, line: int
    ) -> ast.expr:
        value = self.number(self.value(statement.value, known), failure, known, line)
        return self.in_range(value.code, value.static, line)

    def _add_points(self, statement: AddPoints, known: Known, line: int) -> list[ast.stmt]:
        template = """
T = X
bonus = bonus + T
bonuses = bonuses + ((LABEL, T),)
"""
        points = self._points(statement, "not_added", known, line)
        label = constant(statement.label, line)
        return block(template, line, T=self.temporary(), X=points, LABEL=label)

    def _callback(self, statement: SetCallbackData, known: Known, line: int) -> list[ast.stmt]:
        """Write the statement, and note whether the value may be long: nearly always it is known not to be."""
        value = self.value(statement.value, known)
        self._callback_bytes += len(canonical_json(statement.key)) + 2
        set_value = "cb[K] = X"
        key = constant(statement.key, line)
        if isinstance(statement.value, Literal):
            self._callback_bytes += len(canonical_json(statement.value.value))
            return block(set_value, line, K=key, X=value.code)
        self._callback_bytes += _SHORT_VALUE
        if self._is_short(value):
            return block(set_value, line, K=key, X=value.code)
        self._callback_unsure = True
        template = """
cb[K] = X
if not (type(T) is int or type(T) is float) or not -LIMIT <= T <= LIMIT:
    unsure = True
"""
        code, again = self.bind(value, line)
        return block(template, line, K=key, X=code, T=again, LIMIT=constant(MAX_NUMBER, line))

    @staticmethod
    def _is_short(value: Value) -> bool:
        if value.static.types in Types.NULL | Types.BOOLEAN:
            return True
        return value.static.is_number and value.static.in_range


def _become(known: Known, other: Known) -> None:
    known.clear()
    known.update(other)


def _count(statement: Statement) -> int:
    match statement:
        case Return() | Veto():
            return 1
        case _:
            return 1 + count(statement.value)
