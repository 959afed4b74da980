"""A program in words, rule by rule, for readers: made of the language's own tree."""

from dataclasses import dataclass
from typing import Any, Final

from strategies import dsl

TITLES: Final = {
    "pre_rules": "Before",
    "rules": "Rules, in order",
    "post_rules": "Afterwards",
}


@dataclass(frozen=True, slots=True)
class Branch:
    when: str
    then: list[str]


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    path: str
    branches: list[Branch]


@dataclass(frozen=True, slots=True)
class Part:
    """A section with its rules, the default, or the parent's program, which has parts of its own."""

    title: str
    rules: list[Rule]
    default: str = ""
    parts: tuple["Part", ...] = ()


def in_words(program: dsl.Program) -> list[Part]:
    return _parts(dsl.tree(program))


def _parts(root: dict[str, Any]) -> list[Part]:
    return [_part(child) for child in root["children"]]


def _part(leaf: dict[str, Any]) -> Part:
    match leaf["type"]:
        case "section":
            return Part(TITLES[leaf["label"]], [_rule(rule) for rule in leaf["children"]])
        case "program":
            return Part("The strategy that it extends", [], parts=tuple(_parts(leaf)))
        case _:
            return Part("If no rule decided", [], default=leaf["label"].removeprefix("default: "))


def _rule(leaf: dict[str, Any]) -> Rule:
    return Rule(leaf["nodeId"], leaf["path"], [_branch(branch) for branch in leaf["children"]])


def _branch(leaf: dict[str, Any]) -> Branch:
    # The condition itself is the first child, and the label has it already.
    statements = leaf["children"] if leaf["label"] == "otherwise" else leaf["children"][1:]
    return Branch(leaf["label"], [statement["label"] for statement in statements])
