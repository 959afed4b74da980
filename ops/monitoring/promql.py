"""What a PromQL expression asks for: metrics, matchers, labels. Enough of the language for the rules and panels here.

Prometheus parses expressions itself, but says nothing about whether the names in them mean anything.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

GROUPING: Final = re.compile(r"\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)")
RANGE: Final = re.compile(r"\[[^\]]*\]")
OFFSET: Final = re.compile(r"\boffset\s+\w+")
SELECTOR: Final = re.compile(r"(?<![\w:$.])([a-zA-Z_:][\w:]*)\s*(\{[^{}]*\})?(?!\s*\(|[\w:])")
MATCHER: Final = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')
OPERATORS: Final = frozenset({"and", "or", "unless", "bool", "inf", "nan"})


@dataclass(frozen=True, order=True)
class Matcher:
    """`label="value"`, or with another operator."""

    label: str
    operator: str
    value: str

    def __str__(self) -> str:
        return f'{self.label}{self.operator}"{self.value}"'


@dataclass(frozen=True, order=True)
class Selector:
    """A metric as it is named in an expression, with what it is narrowed by."""

    metric: str
    matchers: tuple[Matcher, ...]

    @property
    def family(self) -> str:
        """The name under which a histogram's series are documented together."""
        return re.sub(r"_(?:bucket|sum|count)$", "", self.metric)

    def __str__(self) -> str:
        return f"{self.metric}{{{', '.join(map(str, self.matchers))}}}"


def selectors(expression: str) -> set[Selector]:
    """Return every selector of an expression."""
    return set(_selectors(OFFSET.sub("", RANGE.sub("", GROUPING.sub("", expression)))))


def _selectors(text: str) -> Iterator[Selector]:
    for found in SELECTOR.finditer(text):
        if found[1] not in OPERATORS:
            yield Selector(
                found[1], tuple(sorted(Matcher(*each) for each in MATCHER.findall(found[2] or "")))
            )


def grouping_labels(expression: str) -> set[str]:
    """Return the labels that an expression groups or joins by."""
    return {label for names in GROUPING.findall(expression) for label in re.findall(r"\w+", names)}
