"""The nodes of a program: frozen, made by `decode` only, compared by identity.

A node is addressed by its path in the JSON (`rules/0/when/args/1`), unique by construction; `id` is the author's
label for people. Every node type that is added here must be handled wherever `assert_never` stands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, TypeAlias, final
from typing import Literal as OneOf

from strategies.dsl.fields import Source
from strategies.dsl.values import Scalar

ArithOp: TypeAlias = OneOf["+", "-", "*", "/", "min", "max"]
CompareOp: TypeAlias = OneOf["<", "<=", "==", "!=", ">=", ">"]
FunctionName: TypeAlias = OneOf["int", "clamp", "round", "abs"]
Section: TypeAlias = OneOf["pre_rules", "rules", "default", "post_rules"]


@dataclass(frozen=True, slots=True, eq=False)
class _Node:
    """`described` is the node's entry in a trace, to be copied and filled in."""

    path: str
    id: str | None
    described: dict[str, object] = field(init=False, repr=False)
    type: ClassVar[str]
    shown: ClassVar[tuple[str, ...]] = ()
    """Attributes that a trace shows."""

    def __post_init__(self) -> None:
        described: dict[str, object] = {"n": 0, "path": self.path}
        if self.id is not None:
            described["nodeId"] = self.id
        described |= {"type": self.type, "value": None, "section": None}
        object.__setattr__(self, "described", described | {key: getattr(self, key) for key in self.shown})

    @property
    def node_id(self) -> str:
        """The author's id if there is one, else the path."""
        return self.path if self.id is None else self.id


@final
@dataclass(frozen=True, slots=True, eq=False)
class Literal(_Node):
    type: ClassVar[str] = "literal"
    value: Scalar


@final
@dataclass(frozen=True, slots=True, eq=False)
class Field(_Node):
    """`field` as the author wrote it; `source` and `name` are what it resolves to."""

    type: ClassVar[str] = "field"
    shown: ClassVar[tuple[str, ...]] = ("field",)
    field: str
    source: Source
    name: str


@final
@dataclass(frozen=True, slots=True, eq=False)
class Variable(_Node):
    type: ClassVar[str] = "variable"
    name: str


@final
@dataclass(frozen=True, slots=True, eq=False)
class Arith(_Node):
    type: ClassVar[str] = "arith"
    shown: ClassVar[tuple[str, ...]] = ("op",)
    op: ArithOp
    left: Expression
    right: Expression


@final
@dataclass(frozen=True, slots=True, eq=False)
class FuncCall(_Node):
    type: ClassVar[str] = "func_call"
    name: FunctionName
    args: tuple[Expression, ...]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Compare(_Node):
    type: ClassVar[str] = "compare"
    shown: ClassVar[tuple[str, ...]] = ("op",)
    op: CompareOp
    left: Expression
    right: Expression


@final
@dataclass(frozen=True, slots=True, eq=False)
class And(_Node):
    type: ClassVar[str] = "and"
    args: tuple[Condition, ...]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Or(_Node):
    type: ClassVar[str] = "or"
    args: tuple[Condition, ...]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Not(_Node):
    type: ClassVar[str] = "not"
    arg: Condition


@final
@dataclass(frozen=True, slots=True, eq=False)
class AssignPoints(_Node):
    type: ClassVar[str] = "assign_points"
    value: Expression
    case_name: str


@final
@dataclass(frozen=True, slots=True, eq=False)
class AddPoints(_Node):
    type: ClassVar[str] = "add_points"
    value: Expression
    label: str


@final
@dataclass(frozen=True, slots=True, eq=False)
class SetCallbackData(_Node):
    type: ClassVar[str] = "set_callback_data"
    key: str
    value: Expression


@final
@dataclass(frozen=True, slots=True, eq=False)
class Return(_Node):
    type: ClassVar[str] = "return"


@final
@dataclass(frozen=True, slots=True, eq=False)
class SetData(_Node):
    type: ClassVar[str] = "set_data"
    key: str
    value: Expression


@final
@dataclass(frozen=True, slots=True, eq=False)
class Veto(_Node):
    type: ClassVar[str] = "veto"
    case_name: str


@final
@dataclass(frozen=True, slots=True, eq=False)
class SetPoints(_Node):
    type: ClassVar[str] = "set_points"
    value: Expression


@final
@dataclass(frozen=True, slots=True, eq=False)
class SetCaseName(_Node):
    type: ClassVar[str] = "set_case_name"
    value: Expression


@final
@dataclass(frozen=True, slots=True, eq=False)
class Branch(_Node):
    """One way through a rule: `name` is match, else_if:i or else; only else has no condition."""

    type: ClassVar[str] = "branch"
    name: str
    when: Condition | None
    then: tuple[Statement, ...]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Rule(_Node):
    type: ClassVar[str] = "rule"
    branches: tuple[Branch, ...]


@final
@dataclass(frozen=True, slots=True, eq=False)
class Root(_Node):
    """The program node: its sections. Variables and inputs are declarations, not nodes."""

    type: ClassVar[str] = "program"
    pre_rules: tuple[Rule, ...]
    rules: tuple[Rule, ...]
    default: Statement | None
    post_rules: tuple[Rule, ...]


Expression: TypeAlias = Literal | Field | Variable | Arith | FuncCall
Condition: TypeAlias = Compare | And | Or | Not | Literal | Field | Variable
Statement: TypeAlias = (
    AssignPoints | AddPoints | SetCallbackData | Return | SetData | Veto | SetPoints | SetCaseName
)
Node: TypeAlias = Expression | Condition | Statement | Branch | Rule | Root


def children(node: Node) -> Iterator[Node]:
    """Yield the nodes directly below, in the order in which they are written."""
    match node:
        case Literal() | Field() | Variable() | Return() | Veto():
            return
        case Arith() | Compare():
            yield node.left
            yield node.right
        case FuncCall() | And() | Or():
            yield from node.args
        case Not():
            yield node.arg
        case Branch():
            if node.when is not None:
                yield node.when
            yield from node.then
        case Rule():
            yield from node.branches
        case Root():
            yield from node.pre_rules
            yield from node.rules
            if node.default is not None:
                yield node.default
            yield from node.post_rules
        case _:
            yield node.value


def walk(node: Node) -> Iterator[Node]:
    """Yield a node and all below it, parents first."""
    yield node
    for child in children(node):
        yield from walk(child)
