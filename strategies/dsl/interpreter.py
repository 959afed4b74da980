"""The interpreter: walks the nodes, counts them, writes the trace. It defines what a program means.

A node is counted when its evaluation begins, so that the nodes of a failed run include the failing node and those
that hold it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, assert_never

from strategies.dsl.declarations import VariableValue
from strategies.dsl.errors import Code, Fault, RunError
from strategies.dsl.fields import FACTS, Source
from strategies.dsl.functions import (
    FUNCTIONS,
    Number,
    calculate,
    case_name_value,
    check_callback,
    compare,
    in_range,
    points_value,
    settle,
)
from strategies.dsl.inputs import prepare_data
from strategies.dsl.limits import DEFAULT_LIMITS, Limits
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
    Rule,
    Section,
    SetCallbackData,
    SetCaseName,
    SetData,
    SetPoints,
    Statement,
    Variable,
    Veto,
)
from strategies.dsl.outcome import AWARD, NO_AWARD, VETO, Outcome
from strategies.dsl.program import Level, Program
from strategies.dsl.tracing import Trace, Where
from strategies.dsl.values import PYTHON_TYPES, shown, type_name


def interpret(
    program: Program,
    facts: Mapping[str, object],
    data: Mapping[str, object],
    variables: Mapping[str, object],
    *,
    trace: Trace | None = None,
    limits: Limits = DEFAULT_LIMITS,
) -> Outcome:
    """Run a program on one event.

    `facts` are by field path, an absent one has its value without history; `data` is the event's data, checked here
    against the declared inputs; `variables` is the flat dict of `Program.resolve_variables`, an absent one has its
    default. None of them is changed. Raises RunError, and nothing else, if the run fails.
    """
    if not program.runnable:
        raise RunError(Code.DSL_PARENT_MISSING, "An EXTEND program cannot run without its parent.")
    run = _Run(program, facts, variables, trace)
    try:
        return run.outcome(prepare_data(program, data), limits)
    except Fault as fault:
        raise run.error(fault) from None
    except RecursionError:
        # Only event data far deeper than the API lets in gets here
        raise run.error(Fault(Code.DSL_UNEXPECTED, "The event data is nested too deeply.")) from None


_DATA: Final = Source.DATA


class _Vetoed(Exception):
    """Ends the whole run."""


class _Run:
    """The state of one run; `at` is the node being evaluated, for when it fails."""

    def __init__(
        self,
        program: Program,
        facts: Mapping[str, object],
        variables: Mapping[str, object],
        trace: Trace | None,
    ) -> None:
        self.levels = program.levels
        self.facts = facts
        self.variables = variables
        self.trace = trace
        # Looked up once, not at every node
        self.add = None if trace is None else trace.records.append
        self.level = program.levels[0]
        self.at: Node = program.root
        self.where: Where = (None, 0)
        self.nodes = 0
        self.data: dict[str, object] = {}
        self.points: Number | None = None
        self.case_name: str | None = None
        self.bonus: Number = 0
        self.bonuses: list[tuple[str, Number]] = []
        self.callback: dict[str, object] = {}
        self.result: tuple[Number, str | None] = (0, None)

    def outcome(self, data: Mapping[str, object], limits: Limits) -> Outcome:
        """Run everything, and round and check what came of it."""
        try:
            self.run_level(0, data)
        except _Vetoed:
            self.enter(self.levels[0], None)
            check_callback(self.callback, limits.max_callback_bytes)
            return Outcome(VETO, 0, self.case_name, self.callback, (), self.nodes)
        self.enter(self.levels[0], None)
        check_callback(self.callback, limits.max_callback_bytes)
        if self.points is None:
            return Outcome(NO_AWARD, 0, None, self.callback, (), self.nodes)
        points = settle(self.points)
        return Outcome(AWARD, points, self.case_name, self.callback, tuple(self.bonuses), self.nodes)

    def error(self, fault: Fault) -> RunError:
        """Return a fault as the error of the node being evaluated, and close the trace with it."""
        node = self.at
        if self.add is not None:
            self.add((node, None, self.where, fault.code))
        return RunError(
            fault.code,
            fault.message,
            fault.params,
            path=node.path,
            node_id=node.node_id,
            level=self.level.number,
            nodes=self.nodes,
            trace=self.trace,
        )

    # Programs and their sections

    def enter(self, level: Level, section: Section | None) -> None:
        self.level = level
        self.where = (section, level.number)
        self.at = level.root

    def run_level(self, number: int, data: Mapping[str, object]) -> None:
        """Run one program of the chain; its parent in between, on its working copy of the data."""
        level = self.levels[number]
        self.nodes += 1
        working = dict(data)
        self.data = working
        self.run_rules(level, "pre_rules", level.root.pre_rules)
        if level.parented:
            self.run_level(number + 1, working)
            self.data = working
        else:
            self.run_body(level)
        self.result = (0 if self.points is None else self.points, self.case_name)
        self.run_rules(level, "post_rules", level.root.post_rules)
        if self.points is None:
            self.case_name = None
        self.enter(level, None)
        self.record(level.root, self.points)

    def run_body(self, level: Level) -> None:
        """Run the rules and default of a FULL program, and add up."""
        root = level.root
        if not self.run_rules(level, "rules", root.rules) and root.default is not None:
            self.enter(level, "default")
            self.execute(root.default)
        self.enter(level, None)
        if not self.bonuses:
            return
        if self.points is None:
            self.case_name = self.bonuses[-1][0]
        self.points = in_range(self.bonus if self.points is None else self.points + self.bonus)

    def run_rules(self, level: Level, section: Section, rules: tuple[Rule, ...]) -> bool:
        """Run a section; return whether a statement halted it."""
        self.enter(level, section)
        return any(map(self.run_rule, rules))

    def run_rule(self, rule: Rule) -> bool:
        """Run the first branch that holds, if any; return whether it halted the section."""
        self.nodes += 1
        first = rule.branches[0]
        for branch in rule.branches:
            if branch is not first and branch.when is not None:
                # An else_if counts when it is tried
                self.nodes += 1
            if branch.when is None or self.holds(branch.when):
                if self.add is not None:
                    self.add((rule, True, self.where, branch.name))
                return any(map(self.execute, branch.then))
        if self.add is not None:
            self.add((rule, False, self.where, "skip"))
        return False

    def record(self, node: Node, value: object, branch: str | None = None) -> None:
        if self.add is not None:
            self.add((node, value, self.where, branch))

    # Statements

    def execute(self, statement: Statement) -> bool:
        """Run a statement; return whether it halts its section."""
        self.nodes += 1
        if type(statement) is Return:
            self.record(statement, None)
            return True
        if type(statement) is Veto:
            self.points, self.case_name = 0, statement.case_name
            self.record(statement, statement.case_name)
            raise _Vetoed
        value = self.value(statement.value)
        self.at = statement
        self.apply(statement, value)
        self.record(statement, value)
        return type(statement) is AssignPoints

    def apply(
        self,
        statement: AssignPoints | AddPoints | SetCallbackData | SetData | SetPoints | SetCaseName,
        value: object,
    ) -> None:
        if type(statement) is AssignPoints:
            self.points = points_value(value, Code.DSL_ASSIGN_POINTS_NOT_NUMBER)
            self.case_name = statement.case_name
        elif type(statement) is AddPoints:
            points = points_value(value, Code.DSL_ADD_POINTS_NOT_NUMBER)
            self.bonus += points
            self.bonuses.append((statement.label, points))
        elif type(statement) is SetCallbackData:
            self.callback[statement.key] = value
        elif type(statement) is SetData:
            self.data[statement.key] = value
        elif type(statement) is SetPoints:
            self.points = points_value(value, Code.DSL_SET_POINTS_NOT_NUMBER)
        elif type(statement) is SetCaseName:
            self.case_name = case_name_value(value)
        else:
            assert_never(statement)

    # Conditions and expressions: most of a run is spent here, hence type() for isinstance(), and the trace in place

    def holds(self, node: Condition) -> bool:
        """Return whether a condition holds."""
        self.nodes += 1
        if type(node) is Compare:
            left, right = self.value(node.left), self.value(node.right)
            self.at = node
            held = compare(node.op, left, right)
        elif type(node) is And:
            return self.junction(node, until=False)
        elif type(node) is Or:
            return self.junction(node, until=True)
        elif type(node) is Not:
            held = not self.holds(node.arg)
        elif type(node) is Variable:
            # Counted once; a bare literal or field counts twice, as a condition and as a value
            self.nodes -= 1
            return bool(self.value(node))
        else:
            return bool(self.value(node))
        if self.add is not None:
            self.add((node, held, self.where, None))
        return held

    def junction(self, node: And | Or, *, until: bool) -> bool:
        """Evaluate operands from the left, until one has the value that decides."""
        for i, arg in enumerate(node.args):
            if self.holds(arg) is until:
                self.record(node, until, f"short_circuit:{i}")
                return until
        self.record(node, not until)
        return not until

    def value(self, node: Expression) -> object:
        """Return the value of an expression."""
        self.nodes += 1
        if type(node) is Field:
            value = self.data.get(node.name) if node.source is _DATA else self.fact_or_result(node)
        elif type(node) is Literal:
            value = node.value
        elif type(node) is Arith:
            left, right = self.value(node.left), self.value(node.right)
            self.at = node
            value = calculate(node.op, left, right)
        elif type(node) is Variable:
            value = self.variable(node)
        elif type(node) is FuncCall:
            args = [self.value(arg) for arg in node.args]
            self.at = node
            value = FUNCTIONS[node.name](*args)
        else:
            assert_never(node)
        if self.add is not None:
            self.add((node, value, self.where, None))
        return value

    def fact_or_result(self, node: Field) -> object:
        """Return a fact, which must be of its type in the catalogue (the compiler relies on it), or the body's result."""
        if node.source is Source.RESULT:
            return self.result[0] if node.name == "points" else self.result[1]
        spec = FACTS[node.name]
        value = self.facts.get(node.name, spec.default)
        if type(value) in PYTHON_TYPES[spec.type] or (value is None and spec.default is None):
            return value
        self.at = node
        message = f"The fact {node.name} is a {spec.type}, not {shown(value)}."
        raise Fault(Code.DSL_FACT_TYPE, message, {"field": node.name, "got": type_name(value)})

    def variable(self, node: Variable) -> VariableValue:
        """Return a variable's value in force, which must be of its declared type: the compiler relies on it."""
        if node.name in self.level.constants:
            return self.level.constants[node.name]
        spec = self.level.variables[node.name]
        value = self.variables.get(node.name, spec.default)
        if type(value) in PYTHON_TYPES[spec.type] and isinstance(value, bool | int | float | str):
            return value
        self.at = node
        message = f"The variable {node.name} is a {spec.type}, not {shown(value)}."
        raise Fault(Code.DSL_VARIABLE_TYPE, message, {"variable": node.name, "got": type_name(value)})
