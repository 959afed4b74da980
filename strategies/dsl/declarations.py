"""What a program declares beside its rules: variables and inputs."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from strategies.dsl.errors import Code, Problem
from strategies.dsl.limits import MAX_NUMBER
from strategies.dsl.values import PYTHON_TYPES, TypeName, shown, type_name

VariableValue: TypeAlias = bool | int | float | str


@dataclass(frozen=True, slots=True)
class VariableSpec:
    """A declared variable: its default, and for a number what an override may be."""

    name: str
    type: TypeName
    default: VariableValue
    min: int | float | None = None
    max: int | float | None = None
    step: int | float | None = None
    description: str | None = None

    def problem(self, value: object, path: str, max_text_bytes: int) -> Problem | None:
        """Return why `value` cannot be this variable's, if it cannot; steps count from `min`, else from 0."""
        if type(value) not in PYTHON_TYPES[self.type]:
            return self._problem(
                Code.DSL_VARIABLE_TYPE, f"is a {self.type}, not {type_name(value)}", value, path
            )
        if isinstance(value, str):
            return None if text_fits(value, max_text_bytes) else self._text_problem(path, max_text_bytes)
        if isinstance(value, int | float) and not -MAX_NUMBER <= value <= MAX_NUMBER:
            return self._problem(Code.DSL_NUMBER_RANGE, f"stays within {MAX_NUMBER:g}", value, path)
        if not isinstance(value, bool) and isinstance(value, int | float) and not self._allows(value):
            return self._problem(Code.DSL_VARIABLE_RANGE, f"must be {self._bounds()}", value, path)
        return None

    def _allows(self, value: float) -> bool:
        if (self.min is not None and value < self.min) or (self.max is not None and value > self.max):
            return False
        if self.step is None:
            return True
        # As decimals, as they were written: 0.3 is a multiple of 0.1 to people
        start, step = Fraction(repr(self.min or 0)), Fraction(repr(self.step))
        return (Fraction(repr(value)) - start) % step == 0

    def _bounds(self) -> str:
        bounds = (("at least", self.min), ("at most", self.max), ("in steps of", self.step))
        return ", ".join(f"{words} {bound}" for words, bound in bounds if bound is not None)

    def _problem(self, code: Code, what: str, value: object, path: str) -> Problem:
        return Problem(
            code,
            f"The variable {self.name} {what}: {shown(value)}.",
            path,
            path,
            {"variable": self.name, "min": self.min, "max": self.max, "step": self.step},
        )

    def _text_problem(self, path: str, max_text_bytes: int) -> Problem:
        return Problem(
            Code.DSL_LIMIT_TEXT,
            f"The variable {self.name} holds at most {max_text_bytes} bytes of text, without NUL or surrogates.",
            path,
            path,
            {"variable": self.name, "limit": max_text_bytes},
        )


@dataclass(frozen=True, slots=True)
class InputSpec:
    """A declared key of the event data. Null counts as absent; without a default an absent one reads as null."""

    name: str
    type: TypeName
    required: bool = False
    default: VariableValue | None = None

    @property
    def nullable(self) -> bool:
        """Whether a run can see null in it."""
        return not self.required and self.default is None


def text_fits(text: str, max_bytes: int) -> bool:
    """Return whether a text can be stored as JSON text and is at most `max_bytes` of UTF-8."""
    return is_storable(text) and len(text.encode()) <= max_bytes


def is_storable(text: str) -> bool:
    """Return whether a text has neither NUL, which PostgreSQL refuses in JSON, nor lone surrogates."""
    return "\0" not in text and not any("\ud800" <= char <= "\udfff" for char in text)
