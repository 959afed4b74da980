"""JSON to nodes, collecting every problem of shape at once.

Decoding goes on after a problem: a broken node yields None, so do the nodes that hold it, and its siblings are still
read. What needs to know more than the node (fields in their section, variables, the parent) is for `validate`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from strategies.dsl.declarations import InputSpec, VariableSpec, VariableValue
from strategies.dsl.declare import read_inputs, read_parent_variables, read_variables
from strategies.dsl.decode_values import KEYS, STATEMENTS, ValueDecoder
from strategies.dsl.errors import Code, Problem
from strategies.dsl.fields import DATA_KEY
from strategies.dsl.limits import MAX_CALLBACK_KEY, Limits
from strategies.dsl.nodes import (
    AddPoints,
    AssignPoints,
    Branch,
    Expression,
    Field,
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
from strategies.dsl.reader import Place, place_of
from strategies.dsl.values import shown


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


class _Decoder(ValueDecoder):
    """Reads one program."""

    def __init__(self, limits: Limits) -> None:
        super().__init__(limits)
        self._data_writes: list[SetData] = []

    def decode(self, source: object) -> Decoded:
        place = place_of(source, "")
        raw = self._program(source, place)
        root = self._root(raw, place)
        inputs = read_inputs(self, raw["inputs"], place) if "inputs" in raw else None
        decoded_variables = read_variables(self, raw.get("variables", {}), place)
        parent_variables = read_parent_variables(self, raw.get("parent_variables", {}), place)
        if self.n_nodes > self.limits.max_nodes:
            message = f"The program has {self.n_nodes} nodes; {self.limits.max_nodes} are allowed."
            self.note(Code.DSL_LIMIT_NODES, message, place, limit=self.limits.max_nodes, nodes=self.n_nodes)
        return Decoded(
            root if not self.problems else None,
            decoded_variables,
            parent_variables,
            inputs,
            tuple(self.fields),
            tuple(self.variable_reads),
            tuple(self._data_writes),
            frozenset(key for key, value in raw.items() if value not in (None, [], {})),
            self.n_nodes,
            self.depth,
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
            self.wrong_type(raw["type"], place, ("program",), "The root")
        return raw

    def _root(self, raw: Mapping[str, object], place: Place) -> Root | None:
        self.n_nodes += 1
        pre_rules = self._rules(raw, "pre_rules", place)
        rules = self._rules(raw, "rules", place)
        default = None
        if raw.get("default") is not None:
            self.section = "default"
            default = self._statement(raw["default"], "default", 1)
        post_rules = self._rules(raw, "post_rules", place)
        return Root("", self.label(raw, place), pre_rules, rules, default, post_rules)

    def _rules(self, raw: Mapping[str, object], section: Section, place: Place) -> tuple[Rule, ...]:
        self.section = section
        items = self.items(raw.get(section, []), place, section) or []
        rules = [self._rule(item, place.entry(section, i)) for i, item in enumerate(items)]
        return tuple(rule for rule in rules if rule is not None)

    def _rule(self, source: object, path: str) -> Rule | None:
        place = place_of(source, path)
        raw = self.node(source, place, ("rule",), "A rule")
        if raw is None or not self.enter(1, place):
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
        self.n_nodes += 1
        self.keys(raw, place, ("when", "then"), ("id",))
        return self._branch(raw, place, f"else_if:{i}", place)

    def _branch(self, raw: Mapping[str, object], place: Place, name: str, at: Place) -> Branch | None:
        when = self.condition(raw["when"], at.entry("when"), 2) if "when" in raw else None
        then = self._statements(raw["then"], at, "then") if "then" in raw else ()
        return Branch(at.path, self.label(raw, place), name, when, then) if when is not None else None

    def _statements(self, raw: object, place: Place, key: str) -> tuple[Statement, ...]:
        items = self.items(raw, place, key, at_least=1) or []
        read = [self._statement(item, place.entry(key, i), 2) for i, item in enumerate(items)]
        return tuple(statement for statement in read if statement is not None)

    # Statements

    def _statement(self, source: object, path: str, depth: int) -> Statement | None:
        place = place_of(source, path)
        raw = self.node(source, place, STATEMENTS[self.section], "A statement")
        if raw is None or not self.enter(depth, place):
            return None
        name = str(raw["type"])
        complete = self.keys(raw, place, ("type", *KEYS[name]), ("id",))
        label = self.label(raw, place)
        value = self.expression(raw["value"], place.entry("value"), depth + 1) if "value" in raw else None
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
