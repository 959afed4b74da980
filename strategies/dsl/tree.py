"""A program as a tree of plain dictionaries, to be drawn by those who know nothing of nodes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TypeAlias, assert_never

from strategies.dsl.errors import Code
from strategies.dsl.nodes import (
    And,
    Arith,
    Branch,
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
    Statement,
    Variable,
    Veto,
)
from strategies.dsl.program import Level, Program
from strategies.dsl.tracing import Trace
from strategies.dsl.wording import condition_text, expression_text, statement_text

Leaf: TypeAlias = dict[str, object]


def tree(program: Program, trace: Trace | None = None) -> Leaf:
    """Return the program, its parent in it, as nested `{label, type, path, nodeId, level, state, value?, children}`.

    `state` is null without a trace; else "taken", "skipped" (a rule that did not hold, a branch that was not taken),
    "evaluated", "failed" or "not_reached". Types beside those of nodes: "section". A value is there if there was one.
    """
    return _Planter(program, trace).level(program.levels[0])


class _Planter:
    """Makes the leaves, knowing what the trace says of each node."""

    def __init__(self, program: Program, trace: Trace | None) -> None:
        self.program = program
        self.records = None if trace is None else {record[0]: record for record in trace.records}
        self.depth = 0

    def level(self, level: Level) -> Leaf:
        root = level.root
        self.depth = level.number
        children = [*self.section("pre_rules", root.pre_rules), *self.section("rules", root.rules)]
        if root.default is not None:
            default = self.statement(root.default)
            state = "taken" if default["state"] == "evaluated" else default["state"]
            children.append({**default, "label": f"default: {default['label']}", "state": state})
        if level.parented:
            children.append(self.level(self.program.levels[level.number + 1]))
            self.depth = level.number
        children += self.section("post_rules", root.post_rules)
        return self.leaf(root, "program" if level.number == 0 else f"parent {level.number}", children)

    def section(self, name: Section, rules: Sequence[Rule]) -> Iterator[Leaf]:
        if rules:
            children = [self.rule(rule) for rule in rules]
            reached = any(child["state"] != "not_reached" for child in children)
            state = None if self.records is None else "evaluated" if reached else "not_reached"
            yield {
                "label": name,
                "type": "section",
                "path": name,
                "nodeId": name,
                "level": self.depth,
                "state": state,
                "children": children,
            }

    def rule(self, rule: Rule) -> Leaf:
        taken = self.records[rule][3] if self.records is not None and rule in self.records else None
        children = [self.branch(branch, taken) for branch in rule.branches]
        leaf = self.leaf(rule, f"rule {rule.node_id}", children)
        if taken is not None:
            leaf["state"] = "skipped" if taken == "skip" else "taken"
        return leaf

    def branch(self, branch: Branch, taken: str | None) -> Leaf:
        words = {"match": "if", "else": "otherwise"}.get(branch.name, "else if")
        label = words if branch.when is None else f"{words} {condition_text(branch.when)}"
        children = [] if branch.when is None else [self.condition(branch.when)]
        children += [self.statement(statement) for statement in branch.then]
        state = None if self.records is None else "not_reached"
        if taken is not None:
            state = "taken" if branch.name == taken else "skipped"
        return self._made(label, branch, state, children)

    def condition(self, node: Condition) -> Leaf:
        match node:
            case And() | Or():
                return self.leaf(node, node.type, [self.condition(arg) for arg in node.args])
            case Not():
                return self.leaf(node, "not", [self.condition(node.arg)])
            case Compare():
                return self.leaf(node, condition_text(node), self.operands(node.left, node.right))
            case Literal() | Field() | Variable():
                return self.leaf(node, condition_text(node))
            case _:
                assert_never(node)

    def statement(self, node: Statement) -> Leaf:
        children = [] if isinstance(node, Return | Veto) else self.operands(node.value)
        return self.leaf(node, statement_text(node), children)

    def operands(self, *nodes: Expression) -> list[Leaf]:
        """Return the leaves of operands; a literal says nothing that the line above does not."""
        return [self.expression(node) for node in nodes if not isinstance(node, Literal)]

    def expression(self, node: Expression) -> Leaf:
        match node:
            case Arith():
                children = self.operands(node.left, node.right)
            case FuncCall():
                children = self.operands(*node.args)
            case Literal() | Field() | Variable():
                children = []
            case _:
                assert_never(node)
        return self.leaf(node, expression_text(node), children)

    def leaf(self, node: Node, label: str, children: Sequence[Leaf] = ()) -> Leaf:
        state = None if self.records is None else "not_reached"
        made = self._made(label, node, state, children)
        record = None if self.records is None else self.records.get(node)
        if record is not None:
            made["value"] = record[1]
            made["state"] = "failed" if isinstance(record[3], Code) else "evaluated"
        return made

    def _made(self, label: str, node: Node, state: str | None, children: Sequence[Leaf]) -> Leaf:
        return {
            "label": label,
            "type": node.type,
            "path": node.path,
            "nodeId": node.node_id,
            "level": self.depth,
            "state": state,
            "children": list(children),
        }
