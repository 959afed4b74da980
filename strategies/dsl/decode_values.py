"""Reading conditions and expressions; `decode` reads the program around them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, get_args

from strategies.dsl.errors import Code
from strategies.dsl.fields import FACTS, RESULTS, resolve_field
from strategies.dsl.functions import ARITY
from strategies.dsl.limits import Limits
from strategies.dsl.nodes import (
    And,
    Arith,
    ArithOp,
    Compare,
    CompareOp,
    Condition,
    Expression,
    Field,
    FuncCall,
    Literal,
    Not,
    Or,
    Section,
    Variable,
)
from strategies.dsl.reader import Place, Reader, closest, place_of
from strategies.dsl.values import shown, type_name

KEYS: Final[dict[str, tuple[str, ...]]] = {
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
_ALL_STATEMENTS: Final = tuple(dict.fromkeys(name for names in STATEMENTS.values() for name in names))
NODE_TYPES: Final = ("program", "rule", *KEYS)

_ARITH_OPS: Final[tuple[ArithOp, ...]] = get_args(ArithOp)
_COMPARE_OPS: Final[tuple[CompareOp, ...]] = get_args(CompareOp)


class ValueDecoder(Reader):
    """Reads conditions and expressions; counts nodes and depth as it goes, and notes the names that are read."""

    def __init__(self, limits: Limits) -> None:
        """Begin with nothing read."""
        super().__init__(limits)
        self.n_nodes = 0
        self.depth = 0
        self.section: Section = "rules"
        self.fields: list[tuple[Field, Section]] = []
        self.variable_reads: list[Variable] = []
        self._too_deep = False

    # Any node

    def node(
        self, source: object, place: Place, allowed: Collection[str], what: str
    ) -> Mapping[str, object] | None:
        raw = self.mapping(source, place, what)
        if raw is None:
            return None
        if "type" not in raw:
            self.note(Code.DSL_SHAPE, f'{what} has a "type".', place, key="type")
            return None
        if raw["type"] not in allowed:
            self.wrong_type(raw["type"], place, allowed, what)
            return None
        return raw

    def wrong_type(self, got: object, place: Place, allowed: Collection[str], what: str) -> None:
        if not isinstance(got, str):
            self.note(Code.DSL_SHAPE, f"A type is a text, not {shown(got)}.", place, key="type")
        elif got not in NODE_TYPES:
            hint = closest(got, allowed) or closest(got, NODE_TYPES)
            self.note(Code.DSL_UNKNOWN_NODE, f"There is no node of the type {shown(got)}.", place, hint)
        elif got in _ALL_STATEMENTS and set(allowed) <= set(_ALL_STATEMENTS):
            message = f"{got} is not allowed in {self.section}; allowed are {', '.join(allowed)}."
            self.note(Code.DSL_STATEMENT_NOT_ALLOWED_HERE, message, place, type=got, section=self.section)
        else:
            message = f"{what} is one of {', '.join(allowed)}, not {got}."
            self.note(Code.DSL_NODE_NOT_ALLOWED_HERE, message, place, type=got)

    def enter(self, depth: int, place: Place) -> bool:
        """Count a node; return False, noting it once, where the program gets too deep."""
        self.n_nodes += 1
        self.depth = max(self.depth, depth)
        if depth <= self.limits.max_depth:
            return True
        if not self._too_deep:
            self._too_deep = True
            message = f"The program is nested more than {self.limits.max_depth} deep."
            self.note(Code.DSL_LIMIT_DEPTH, message, place, limit=self.limits.max_depth)
        return False

    # Conditions

    def condition(self, source: object, path: str, depth: int) -> Condition | None:
        place = place_of(source, path)
        raw = self.node(source, place, _CONDITIONS, "A condition")
        if raw is None or not self.enter(depth, place):
            return None
        name = str(raw["type"])
        if name in _COUNTED_TWICE:
            self.n_nodes += 1
        complete = self.keys(raw, place, ("type", *KEYS[name]), ("id",))
        match name:
            case "and" | "or":
                return self._junction(name, raw, place, depth)
            case "not":
                arg = self.condition(raw["arg"], place.entry("arg"), depth + 1) if complete else None
                return None if arg is None else Not(path, self.label(raw, place), arg)
            case "compare":
                return self._compare(raw, place, depth)
        return self._leaf(name, raw, place) if complete else None

    def _junction(self, name: str, raw: Mapping[str, object], place: Place, depth: int) -> And | Or | None:
        label = self.label(raw, place)
        if "args" not in raw:
            return None
        items = self.items(raw["args"], place, "args", at_least=1) or []
        read = [self.condition(item, place.entry("args", i), depth + 1) for i, item in enumerate(items)]
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

    def expression(self, source: object, path: str, depth: int) -> Expression | None:
        place = place_of(source, path)
        raw = self.node(source, place, _EXPRESSIONS, "A value")
        if raw is None or not self.enter(depth, place):
            return None
        name = str(raw["type"])
        if name == "func_call":
            return self._func_call(raw, place, depth)
        complete = self.keys(raw, place, ("type", *KEYS[name]), ("id",))
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
        left = self.expression(raw["left"], place.entry("left"), depth + 1) if "left" in raw else None
        right = self.expression(raw["right"], place.entry("right"), depth + 1) if "right" in raw else None
        return left, right

    def _func_call(self, raw: Mapping[str, object], place: Place, depth: int) -> FuncCall | None:
        self.keys(raw, place, ("type", *KEYS["func_call"]), ("id",))
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
        read = [self.expression(item, place.entry("args", i), depth + 1) for i, item in enumerate(items)]
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
        self.variable_reads.append(read)
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
        self.fields.append((read, self.section))
        return read
