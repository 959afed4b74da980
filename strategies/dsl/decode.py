"""JSON to nodes, collecting every problem of shape at once.

Decoding goes on after a problem: a broken node yields None, so do the nodes that hold it, and its siblings are still
read. What needs to know more than the node (fields in their section, variables, the parent) is for `validate`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Final, get_args

from strategies.dsl.declarations import InputSpec, VariableSpec, VariableValue
from strategies.dsl.declare import read_inputs, read_parent_variables, read_variables
from strategies.dsl.errors import Code, Problem
from strategies.dsl.fields import DATA_KEY, FACTS, RESULTS, resolve_field
from strategies.dsl.functions import ARITY
from strategies.dsl.limits import MAX_CALLBACK_KEY, Limits
from strategies.dsl.nodes import (
    AddPoints,
    And,
    Arith,
    ArithOp,
    AssignPoints,
    Branch,
    Compare,
    CompareOp,
    Condition,
    Expression,
    Field,
    FuncCall,
    Literal,
    Not,
    Or,
    Return,
    Root,
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
from strategies.dsl.reader import Place, Reader, closest, place_of
from strategies.dsl.values import shown, type_name

_KEYS: Final[dict[str, tuple[str, ...]]] = {
    "and": ("args",),
    "or": ("args",),
    "not": ("arg",),
    "compare": ("op", "left", "right"),
    "literal": ("value",),
    "field": ("path",),
    "variable": ("name",),
    "arith": ("op", "left", "right"),
    "func_call": ("name", "args"),
    "assign_points": ("value", "case_name"),
    "add_points": ("value", "label"),
    "set_callback_data": ("key", "value"),
    "return": (),
    "set_data": ("key", "value"),
    "veto": ("case_name",),
    "set_points": ("value",),
    "set_case_name": ("value",),
}
"""What each node requires beside its type; all may have an id, none has anything else."""

_CONDITIONS: Final = ("and", "or", "not", "compare", "literal", "field", "variable")
_EXPRESSIONS: Final = ("literal", "field", "variable", "arith", "func_call")
_COUNTED_TWICE: Final = ("literal", "field")
"""A bare one used as a condition counts as the condition and as the value."""

STATEMENTS: Final[dict[Section, tuple[str, ...]]] = {
    "pre_rules": ("set_callback_data", "return", "set_data", "veto"),
    "rules": ("assign_points", "add_points", "set_callback_data", "return", "veto"),
    "default": ("assign_points", "add_points", "set_callback_data", "return", "veto"),
    "post_rules": ("set_callback_data", "return", "set_points", "set_case_name"),
}
_STATEMENTS: Final = tuple(dict.fromkeys(name for names in STATEMENTS.values() for name in names))
NODE_TYPES: Final = ("program", "rule", *_KEYS)

_ARITH_OPS: Final[tuple[ArithOp, ...]] = get_args(ArithOp)
_COMPARE_OPS: Final[tuple[CompareOp, ...]] = get_args(CompareOp)


@dataclass(frozen=True, slots=True)
class Decoded:
    """What could be read. `root` is None if any node was broken; the lists hold what was read all the same."""

    root: Root | None
    variables: Mapping[str, VariableSpec]
    parent_variables: Mapping[str, VariableValue]
    inputs: Mapping[str, InputSpec] | None
    fields: tuple[tuple[Field, Section], ...]
    variable_reads: tuple[Variable, ...]
    data_writes: tuple[SetData, ...]
    sections: frozenset[str]
    """The sections that have content."""
    n_nodes: int
    depth: int
    problems: tuple[Problem, ...]


def decode(source: object, limits: Limits) -> Decoded:
    """Read a program that has passed `scan`."""
    return _Decoder(limits).decode(source)


class _Decoder(Reader):
    """Reads one program; counts nodes and depth as it goes."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._n_nodes = 0
        self._depth = 0
        self._too_deep = False
        self._section: Section = "rules"
        self._fields: list[tuple[Field, Section]] = []
        self._variable_reads: list[Variable] = []
        self._data_writes: list[SetData] = []

    def decode(self, source: object) -> Decoded:
        place = place_of(source, "")
        raw = self._program(source, place)
        root = self._root(raw, place)
        inputs = read_inputs(self, raw["inputs"], place) if "inputs" in raw else None
        decoded_variables = read_variables(self, raw.get("variables", {}), place)
        parent_variables = read_parent_variables(self, raw.get("parent_variables", {}), place)
        if self._n_nodes > self.limits.max_nodes:
            message = f"The program has {self._n_nodes} nodes; {self.limits.max_nodes} are allowed."
            self.note(Code.DSL_LIMIT_NODES, message, place, limit=self.limits.max_nodes, nodes=self._n_nodes)
        return Decoded(
            root if not self.problems else None,
            decoded_variables,
            parent_variables,
            inputs,
            tuple(self._fields),
            tuple(self._variable_reads),
            tuple(self._data_writes),
            frozenset(key for key, value in raw.items() if value not in (None, [], {})),
            self._n_nodes,
            self._depth,
            tuple(self.problems),
        )

    # The program and its rules

    def _program(self, source: object, place: Place) -> Mapping[str, object]:
        raw = self.mapping(source, place, "A program") or {}
        if not raw and source != {}:
            return raw
        optional = ("id", "default", "pre_rules", "post_rules", "parent_variables", "variables", "inputs")
        self.keys(raw, place, ("type", "rules"), optional)
        if "type" in raw and raw["type"] != "program":
            self._wrong_type(raw["type"], place, ("program",), "The root")
        return raw

    def _root(self, raw: Mapping[str, object], place: Place) -> Root | None:
        self._n_nodes += 1
        pre_rules = self._rules(raw, "pre_rules", place)
        rules = self._rules(raw, "rules", place)
        default = None
        if raw.get("default") is not None:
            self._section = "default"
            default = self._statement(raw["default"], "default", 1)
        post_rules = self._rules(raw, "post_rules", place)
        return Root("", self.label(raw, place), pre_rules, rules, default, post_rules)

    def _rules(self, raw: Mapping[str, object], section: Section, place: Place) -> tuple[Rule, ...]:
        self._section = section
        items = self.items(raw.get(section, []), place, section) or []
        rules = [self._rule(item, place.entry(section, i)) for i, item in enumerate(items)]
        return tuple(rule for rule in rules if rule is not None)

    def _rule(self, source: object, path: str) -> Rule | None:
        place = place_of(source, path)
        raw = self._node(source, place, ("rule",), "A rule")
        if raw is None or not self._enter(1, place):
            return None
        self.keys(raw, place, ("type", "when", "then"), ("id", "else_if", "else"))
        branches = [self._branch(raw, place, "match", place)]
        for i, item in enumerate(self.items(raw.get("else_if", []), place, "else_if") or []):
            branches.append(self._else_if(item, place.entry("else_if", i), i))
        if "else" in raw:
            branches.append(Branch(path, None, "else", None, self._statements(raw["else"], place, "else")))
        whole = [branch for branch in branches if branch is not None]
        return Rule(path, self.label(raw, place), tuple(whole)) if len(whole) == len(branches) else None

    def _else_if(self, source: object, path: str, i: int) -> Branch | None:
        place = place_of(source, path)
        raw = self.mapping(source, place, "An else_if branch")
        if raw is None:
            return None
        self._n_nodes += 1
        self.keys(raw, place, ("when", "then"), ("id",))
        return self._branch(raw, place, f"else_if:{i}", place)

    def _branch(self, raw: Mapping[str, object], place: Place, name: str, at: Place) -> Branch | None:
        when = self._condition(raw["when"], at.entry("when"), 2) if "when" in raw else None
        then = self._statements(raw["then"], at, "then") if "then" in raw else ()
        return Branch(at.path, self.label(raw, place), name, when, then) if when is not None else None

    def _statements(self, raw: object, place: Place, key: str) -> tuple[Statement, ...]:
        items = self.items(raw, place, key, at_least=1) or []
        read = [self._statement(item, place.entry(key, i), 2) for i, item in enumerate(items)]
        return tuple(statement for statement in read if statement is not None)

    # Any node

    def _node(
        self, source: object, place: Place, allowed: Collection[str], what: str
    ) -> Mapping[str, object] | None:
        raw = self.mapping(source, place, what)
        if raw is None:
            return None
        if "type" not in raw:
            self.note(Code.DSL_SHAPE, f'{what} has a "type".', place, key="type")
            return None
        if raw["type"] not in allowed:
            self._wrong_type(raw["type"], place, allowed, what)
            return None
        return raw

    def _wrong_type(self, got: object, place: Place, allowed: Collection[str], what: str) -> None:
        if not isinstance(got, str):
            self.note(Code.DSL_SHAPE, f"A type is a text, not {shown(got)}.", place, key="type")
        elif got not in NODE_TYPES:
            hint = closest(got, allowed) or closest(got, NODE_TYPES)
            self.note(Code.DSL_UNKNOWN_NODE, f"There is no node of the type {shown(got)}.", place, hint)
        elif got in _STATEMENTS and set(allowed) <= set(_STATEMENTS):
            message = f"{got} is not allowed in {self._section}; allowed are {', '.join(allowed)}."
            self.note(Code.DSL_STATEMENT_NOT_ALLOWED_HERE, message, place, type=got, section=self._section)
        else:
            message = f"{what} is one of {', '.join(allowed)}, not {got}."
            self.note(Code.DSL_NODE_NOT_ALLOWED_HERE, message, place, type=got)

    def _enter(self, depth: int, place: Place) -> bool:
        """Count a node; return False, noting it once, where the program gets too deep."""
        self._n_nodes += 1
        self._depth = max(self._depth, depth)
        if depth <= self.limits.max_depth:
            return True
        if not self._too_deep:
            self._too_deep = True
            message = f"The program is nested more than {self.limits.max_depth} deep."
            self.note(Code.DSL_LIMIT_DEPTH, message, place, limit=self.limits.max_depth)
        return False

    # Statements

    def _statement(self, source: object, path: str, depth: int) -> Statement | None:
        place = place_of(source, path)
        raw = self._node(source, place, STATEMENTS[self._section], "A statement")
        if raw is None or not self._enter(depth, place):
            return None
        name = str(raw["type"])
        complete = self.keys(raw, place, ("type", *_KEYS[name]), ("id",))
        label = self.label(raw, place)
        value = self._expression(raw["value"], place.entry("value"), depth + 1) if "value" in raw else None
        if not complete:
            return None
        if name == "return":
            return Return(path, label)
        if name == "veto":
            veto_case = self.case_name(raw["case_name"], place, "case_name")
            return None if veto_case is None else Veto(path, label, veto_case)
        return self._statement_with_value(name, raw, place, label, value)

    def _statement_with_value(
        self, name: str, raw: Mapping[str, object], place: Place, label: str | None, value: Expression | None
    ) -> Statement | None:
        text = self._statement_text(name, raw, place)
        if value is None or text is None:
            return None
        path = place.path
        made: Statement
        match name:
            case "assign_points":
                made = AssignPoints(path, label, value, text)
            case "add_points":
                made = AddPoints(path, label, value, text)
            case "set_callback_data":
                made = SetCallbackData(path, label, text, value)
            case "set_points":
                made = SetPoints(path, label, value)
            case "set_case_name":
                made = SetCaseName(path, label, value)
            case _:
                made = SetData(path, label, text, value)
                self._data_writes.append(made)
        return made

    def _statement_text(self, name: str, raw: Mapping[str, object], place: Place) -> str | None:
        match name:
            case "assign_points":
                return self.case_name(raw["case_name"], place, "case_name")
            case "add_points":
                return self.case_name(raw["label"], place, "label")
            case "set_callback_data":
                return self._callback_key(raw["key"], place)
            case "set_data":
                return self._data_key(raw["key"], place)
        return ""

    def _callback_key(self, raw: object, place: Place) -> str | None:
        key = self.text(raw, place, "A key")
        if key is None or 0 < len(key) <= MAX_CALLBACK_KEY:
            return key
        self.note(Code.DSL_SHAPE, f"A key of callback data has 1 to {MAX_CALLBACK_KEY} characters.", place)
        return None

    def _data_key(self, raw: object, place: Place) -> str | None:
        key = self.text(raw, place, "A key")
        if key is None or DATA_KEY.fullmatch(key):
            return key
        message = f"A key of set_data is letters, digits and underscores, not {shown(key)}."
        self.note(Code.DSL_SHAPE, message, place)
        return None

    # Conditions

    def _condition(self, source: object, path: str, depth: int) -> Condition | None:
        place = place_of(source, path)
        raw = self._node(source, place, _CONDITIONS, "A condition")
        if raw is None or not self._enter(depth, place):
            return None
        name = str(raw["type"])
        if name in _COUNTED_TWICE:
            self._n_nodes += 1
        complete = self.keys(raw, place, ("type", *_KEYS[name]), ("id",))
        match name:
            case "and" | "or":
                return self._junction(name, raw, place, depth)
            case "not":
                arg = self._condition(raw["arg"], place.entry("arg"), depth + 1) if complete else None
                return None if arg is None else Not(path, self.label(raw, place), arg)
            case "compare":
                return self._compare(raw, place, depth)
        return self._leaf(name, raw, place) if complete else None

    def _junction(self, name: str, raw: Mapping[str, object], place: Place, depth: int) -> And | Or | None:
        label = self.label(raw, place)
        if "args" not in raw:
            return None
        items = self.items(raw["args"], place, "args", at_least=1) or []
        read = [self._condition(item, place.entry("args", i), depth + 1) for i, item in enumerate(items)]
        args = tuple(arg for arg in read if arg is not None)
        if len(args) < len(read):
            return None
        return And(place.path, label, args) if name == "and" else Or(place.path, label, args)

    def _compare(self, raw: Mapping[str, object], place: Place, depth: int) -> Compare | None:
        op = next((known for known in _COMPARE_OPS if known == raw.get("op")), None)
        if op is None and "op" in raw:
            message = f"There is no comparison {shown(raw['op'])}; there are {' '.join(_COMPARE_OPS)}."
            self.note(Code.DSL_COMPARE_OP_NOT_ALLOWED, message, place)
        left, right = self._operands(raw, place, depth)
        if op is None or left is None or right is None:
            return None
        return Compare(place.path, self.label(raw, place), op, left, right)

    # Expressions

    def _expression(self, source: object, path: str, depth: int) -> Expression | None:
        place = place_of(source, path)
        raw = self._node(source, place, _EXPRESSIONS, "A value")
        if raw is None or not self._enter(depth, place):
            return None
        name = str(raw["type"])
        if name == "func_call":
            return self._func_call(raw, place, depth)
        complete = self.keys(raw, place, ("type", *_KEYS[name]), ("id",))
        if name == "arith":
            return self._arith(raw, place, depth)
        return self._leaf(name, raw, place) if complete else None

    def _arith(self, raw: Mapping[str, object], place: Place, depth: int) -> Arith | None:
        op = next((known for known in _ARITH_OPS if known == raw.get("op")), None)
        if op is None and "op" in raw:
            message = f"There is no arithmetic {shown(raw['op'])}; there are {' '.join(_ARITH_OPS)}."
            self.note(Code.DSL_ARITH_OP_NOT_ALLOWED, message, place)
        left, right = self._operands(raw, place, depth)
        if op is None or left is None or right is None:
            return None
        return Arith(place.path, self.label(raw, place), op, left, right)

    def _operands(
        self, raw: Mapping[str, object], place: Place, depth: int
    ) -> tuple[Expression | None, Expression | None]:
        left = self._expression(raw["left"], place.entry("left"), depth + 1) if "left" in raw else None
        right = self._expression(raw["right"], place.entry("right"), depth + 1) if "right" in raw else None
        return left, right

    def _func_call(self, raw: Mapping[str, object], place: Place, depth: int) -> FuncCall | None:
        self.keys(raw, place, ("type", *_KEYS["func_call"]), ("id",))
        label = self.label(raw, place)
        name = next((known for known in ARITY if known == raw.get("name")), None)
        if name is None and "name" in raw:
            got = raw["name"]
            hint = closest(got, ARITY) if isinstance(got, str) else None
            message = f"There is no function {shown(got)}; there are {', '.join(ARITY)}."
            self.note(Code.DSL_FUNC_NAME_NOT_ALLOWED, message, place, hint)
        if "args" not in raw:
            return None
        items = raw["args"] if isinstance(raw["args"], list) else []
        read = [self._expression(item, place.entry("args", i), depth + 1) for i, item in enumerate(items)]
        if name is None:
            return None
        if not isinstance(raw["args"], list) or len(items) != ARITY[name]:
            got = len(items) if isinstance(raw["args"], list) else type_name(raw["args"])
            message = f"{name} takes {ARITY[name]} arguments in a list, not {got}."
            self.note(
                Code.DSL_FUNC_ARITY_MISMATCH, message, place, function=name, expected=ARITY[name], got=got
            )
            return None
        args = tuple(arg for arg in read if arg is not None)
        return FuncCall(place.path, label, name, args) if len(args) == len(read) else None

    # Leaves: conditions and expressions alike

    def _leaf(self, name: str, raw: Mapping[str, object], place: Place) -> Literal | Field | Variable | None:
        label = self.label(raw, place)
        match name:
            case "literal":
                value = raw["value"]
                if value is None or self.scalar(value, place, "A literal"):
                    return Literal(place.path, label, value)
                return None
            case "field":
                return self._field(raw["path"], place, label)
        variable = self.text(raw["name"], place, "The name of a variable")
        if variable is None:
            return None
        read = Variable(place.path, label, variable)
        self._variable_reads.append(read)
        return read

    def _field(self, raw: object, place: Place, label: str | None) -> Field | None:
        resolved = resolve_field(raw) if isinstance(raw, str) else None
        if not isinstance(raw, str) or resolved is None:
            known = [*FACTS, *RESULTS]
            hint = closest(raw, known) if isinstance(raw, str) else None
            message = f"There is no field of the path {shown(raw)}."
            self.note(Code.DSL_FIELD_PATH_NOT_ALLOWED, message, place, hint, field=shown(raw))
            return None
        read = Field(place.path, label, raw, resolved.source, resolved.name)
        self._fields.append((read, self._section))
        return read
