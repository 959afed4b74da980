"""Why a run gave what it gave: which rules held, on which values, and the same in sentences for people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from strategies.dsl.errors import Code
from strategies.dsl.nodes import (
    AddPoints,
    And,
    AssignPoints,
    Branch,
    Compare,
    Condition,
    Field,
    Literal,
    Node,
    Not,
    Or,
    Rule,
    Section,
    SetCaseName,
    SetData,
    SetPoints,
    Statement,
    Variable,
    Veto,
)
from strategies.dsl.outcome import AWARD, VETO, Outcome
from strategies.dsl.program import Level, Program
from strategies.dsl.tracing import Trace
from strategies.dsl.wording import Values, condition_text, points_text


@dataclass(frozen=True, slots=True)
class Explanation:
    """`rules`: every rule of the chain in order of the run, as JSON; `sentences`: what decided, for people.

    A rule is `{path, nodeId?, section, level, held, branch, because}`: `held` is null for a rule that was not reached,
    `branch` the trace's (null if not reached), `because` the tests that were made, each
    `{path, op, left, right, result, text}`; a bare value as a condition has the op "holds" and no right side.
    """

    rules: list[dict[str, object]]
    sentences: list[str]

    def as_json(self) -> dict[str, object]:
        """Return both as the API shows them."""
        return {"rules": self.rules, "sentences": self.sentences}


def explain(program: Program, trace: Trace, outcome: Outcome | None) -> Explanation:
    """Explain a run by its trace, which must be complete in its records; `outcome` is None for a run that failed."""
    story = _Story(program, trace)
    rules = [story.rule(level, section, rule) for level, section, rule in _rules(program, 0)]
    return Explanation(rules, list(story.sentences(outcome)))


def _rules(program: Program, number: int) -> Iterator[tuple[Level, Section, Rule]]:
    """Yield all rules in order of a run."""
    level = program.levels[number]
    for rule in level.root.pre_rules:
        yield level, "pre_rules", rule
    for rule in level.root.rules:
        yield level, "rules", rule
    if level.parented:
        yield from _rules(program, number + 1)
    for rule in level.root.post_rules:
        yield level, "post_rules", rule


class _Story:
    """What a trace says, by node."""

    def __init__(self, program: Program, trace: Trace) -> None:
        self.program = program
        self.trace = trace
        self.values: Values = {
            node: value for node, value, _, note in trace.records if not isinstance(note, Code)
        }
        self.taken: dict[Node, str | None] = {
            node: note for node, _, _, note in trace.records if isinstance(node, Rule)
        }
        self.reasons: dict[Statement, str] = {}
        for _, _, rule in _rules(program, 0):
            self._find_reasons(rule)

    def _find_reasons(self, rule: Rule) -> None:
        """Note for the statements of the branch that was taken why it was."""
        for branch in rule.branches:
            if branch.name == self.taken.get(rule):
                for statement in branch.then:
                    self.reasons[statement] = self._reason(rule, branch)

    def _reason(self, rule: Rule, branch: Branch) -> str:
        if branch.when is not None:
            return condition_text(branch.when, self.values)
        tried = [condition_text(each.when, self.values) for each in rule.branches if each.when is not None]
        return "otherwise, after " + "; ".join(f"{text} is false" for text in tried)

    # Rules

    def rule(self, level: Level, section: Section, rule: Rule) -> dict[str, object]:
        branch = self.taken.get(rule)
        shown: dict[str, object] = {"path": rule.path}
        if rule.id is not None:
            shown["nodeId"] = rule.id
        tests = [test for each in rule.branches if each.when is not None for test in self._tests(each.when)]
        return shown | {
            "section": section,
            "level": level.number,
            "held": None if branch is None else branch != "skip",
            "branch": branch,
            "because": tests,
        }

    def _tests(self, node: Condition) -> Iterator[dict[str, object]]:
        """Yield the comparisons and bare values below a condition that were evaluated."""
        if node not in self.values:
            return
        if isinstance(node, And | Or):
            for arg in node.args:
                yield from self._tests(arg)
        elif isinstance(node, Not):
            yield from self._tests(node.arg)
        else:
            yield self._test(node)

    def _test(self, node: Compare | Literal | Field | Variable) -> dict[str, object]:
        if isinstance(node, Compare):
            op, left, right = str(node.op), self.values[node.left], self.values[node.right]
        else:
            op, left, right = "holds", self.values[node], None
        return {
            "path": node.path,
            "op": op,
            "left": left,
            "right": right,
            "result": bool(self.values[node]),
            "text": condition_text(node, self.values),
        }

    # Sentences

    def sentences(self, outcome: Outcome | None) -> Iterator[str]:
        """Yield what happened, in order; the sum at the end where it is not plain from the rest."""
        said = [text for node in self.values if (text := self._sentence(node)) is not None]
        yield from said
        if outcome is None:
            yield from self._failure()
        elif outcome.kind == AWARD:
            if len(said) > 1:
                yield f"In all {_award(outcome.points, outcome.case_name)}."
        elif outcome.kind != VETO:
            yield from self._no_award()

    def _sentence(self, node: Node) -> str | None:
        value = self.values[node]
        match node:
            case AssignPoints():
                text = _award(value, node.case_name)
            case AddPoints():
                text = f"{points_text(value, '+')}, {node.label}"
            case Veto():
                text = f"Veto, case {node.case_name}"
            case SetPoints():
                text = f"Then set to {points_text(value)}"
            case SetCaseName():
                text = f"Then the case {value}"
            case SetData():
                text = f"First data.{node.key} set to {value}"
            case _:
                return None
        return f"{text}: {self.reasons.get(node, 'by default, as no rule decided')}."

    def _failure(self) -> Iterator[str]:
        for node, _, (section, _), error in self.trace.records:
            if isinstance(error, Code):
                where = node.path or "the program"
                yield f"The run failed at {where} ({section or 'the end'}) with {error}: {error.description}"

    def _no_award(self) -> Iterator[str]:
        held = [rule for rule, branch in self.taken.items() if branch != "skip"]
        if held:
            yield "No points: no statement that ran gives points."
            return
        tried = [
            f"{condition_text(rule.branches[0].when, self.values)} is false"
            for rule in self.taken
            if isinstance(rule, Rule) and rule.branches[0].when is not None
        ]
        yield f"No rule held: {'; '.join(tried)}." if tried else "No points: there is no rule."


def _award(points: object, case_name: str | None) -> str:
    return points_text(points) + ("" if case_name is None else f", case {case_name}")
