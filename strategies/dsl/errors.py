"""Every code of the language, in one place: what it means, when it arises, and the exceptions that carry it.

The table of codes in docs/language.md is written from `Code`, and a test compares the two.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from strategies.dsl.tracing import Trace


class Stage(StrEnum):
    """When a code arises."""

    VALIDATION = "validation"
    RUN = "run"
    BOTH = "validation, run"
    WARNING = "warning"


class Code(StrEnum):
    """A reason for a rejection, a failed run or a warning; `stage` and `description` say when and why."""

    stage: Stage
    description: str

    def __new__(cls, value: str, stage: Stage, description: str) -> Self:
        """Make the member a plain text that also knows its stage and description."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.stage = stage
        member.description = description
        return member

    # What is written is not a program
    DSL_SHAPE = "DSL_SHAPE", Stage.VALIDATION, "A key is missing, unknown, or holds the wrong kind of value."
    DSL_TEXT = "DSL_TEXT", Stage.VALIDATION, "A text holds a NUL or a lone surrogate, which no store accepts."
    DSL_UNKNOWN_NODE = "DSL_UNKNOWN_NODE", Stage.VALIDATION, "There is no node of this type."
    DSL_NODE_NOT_ALLOWED_HERE = (
        "DSL_NODE_NOT_ALLOWED_HERE",
        Stage.VALIDATION,
        "The node exists but not in this place, as a comparison where a value is wanted.",
    )
    DSL_STATEMENT_NOT_ALLOWED_HERE = (
        "DSL_STATEMENT_NOT_ALLOWED_HERE",
        Stage.VALIDATION,
        "The statement does not belong in this section.",
    )
    DSL_SECTION_NOT_ALLOWED = (
        "DSL_SECTION_NOT_ALLOWED",
        Stage.VALIDATION,
        "The section does not belong in a program of this type (rules, default: FULL; parent_variables: EXTEND).",
    )
    # Names
    DSL_FIELD_PATH_NOT_ALLOWED = (
        "DSL_FIELD_PATH_NOT_ALLOWED",
        Stage.VALIDATION,
        "There is no field of this path.",
    )
    DSL_PARENT_FIELD_OUTSIDE_POST = (
        "DSL_PARENT_FIELD_OUTSIDE_POST",
        Stage.VALIDATION,
        "result.* and parent.* can be read in post_rules only.",
    )
    DSL_MASKED_FIELD = (
        "DSL_MASKED_FIELD",
        Stage.VALIDATION,
        "The program or its parent names a key of the event data that is masked.",
    )
    DSL_INPUT_UNKNOWN = (
        "DSL_INPUT_UNKNOWN",
        Stage.VALIDATION,
        "The program declares its inputs, and this data field is not among them.",
    )
    DSL_INPUT_CONFLICT = (
        "DSL_INPUT_CONFLICT",
        Stage.VALIDATION,
        "An input has another type in the parent.",
    )
    DSL_VARIABLE_UNKNOWN = "DSL_VARIABLE_UNKNOWN", Stage.VALIDATION, "There is no variable of this name."
    DSL_VARIABLE_TYPE = (
        "DSL_VARIABLE_TYPE",
        Stage.BOTH,
        "A variable is given a value of another type than its default has.",
    )
    DSL_VARIABLE_RANGE = (
        "DSL_VARIABLE_RANGE",
        Stage.VALIDATION,
        "A variable is given a value outside its min, max or step.",
    )
    DSL_ARITH_OP_NOT_ALLOWED = (
        "DSL_ARITH_OP_NOT_ALLOWED",
        Stage.VALIDATION,
        "Arithmetic has + - * / min max and nothing else.",
    )
    DSL_COMPARE_OP_NOT_ALLOWED = (
        "DSL_COMPARE_OP_NOT_ALLOWED",
        Stage.VALIDATION,
        "Comparison has < <= == != >= > and nothing else.",
    )
    DSL_FUNC_NAME_NOT_ALLOWED = (
        "DSL_FUNC_NAME_NOT_ALLOWED",
        Stage.VALIDATION,
        "There is no function of this name.",
    )
    DSL_FUNC_ARITY_MISMATCH = (
        "DSL_FUNC_ARITY_MISMATCH",
        Stage.VALIDATION,
        "The function takes another number of arguments.",
    )
    DSL_CASE_NAME = (
        "DSL_CASE_NAME",
        Stage.BOTH,
        "A case name or label has 1 to 200 printable characters.",
    )
    # Limits
    DSL_NUMBER_RANGE = (
        "DSL_NUMBER_RANGE",
        Stage.BOTH,
        "A number is not finite or beyond 1e15, or the points reach 1e12.",
    )
    DSL_LIMIT_NODES = "DSL_LIMIT_NODES", Stage.VALIDATION, "The program has too many nodes."
    DSL_LIMIT_DEPTH = "DSL_LIMIT_DEPTH", Stage.VALIDATION, "The program is nested too deeply."
    DSL_LIMIT_SIZE = "DSL_LIMIT_SIZE", Stage.VALIDATION, "The program is too large as canonical JSON."
    DSL_LIMIT_TEXT = "DSL_LIMIT_TEXT", Stage.VALIDATION, "A text is too long."
    DSL_PARENT_CHAIN = (
        "DSL_PARENT_CHAIN",
        Stage.VALIDATION,
        "The chain of parents is too long.",
    )
    DSL_PARENT_NOT_ALLOWED = (
        "DSL_PARENT_NOT_ALLOWED",
        Stage.VALIDATION,
        "A FULL program has no parent.",
    )
    # Runs
    DSL_PARENT_MISSING = (
        "DSL_PARENT_MISSING",
        Stage.RUN,
        "An EXTEND program was run without its parent.",
    )
    DSL_INPUT_MISSING = "DSL_INPUT_MISSING", Stage.RUN, "The event lacks a required input."
    DSL_INPUT_TYPE = "DSL_INPUT_TYPE", Stage.RUN, "An input of the event has another type than declared."
    DSL_FACT_TYPE = (
        "DSL_FACT_TYPE",
        Stage.RUN,
        "A fact has another type than the catalogue of fields says.",
    )
    DSL_ARITH_TYPE_MISMATCH = (
        "DSL_ARITH_TYPE_MISMATCH",
        Stage.RUN,
        "An operand of arithmetic is not a number.",
    )
    DSL_ARITH_DIV_BY_ZERO = "DSL_ARITH_DIV_BY_ZERO", Stage.RUN, "Division by zero."
    DSL_COMPARE_TYPE_MISMATCH = (
        "DSL_COMPARE_TYPE_MISMATCH",
        Stage.RUN,
        "Ordering compares numbers with numbers or texts with texts.",
    )
    DSL_FUNC_ARGUMENT = "DSL_FUNC_ARGUMENT", Stage.RUN, "The function cannot take this argument."
    DSL_ASSIGN_POINTS_NOT_NUMBER = (
        "DSL_ASSIGN_POINTS_NOT_NUMBER",
        Stage.RUN,
        "assign_points was given something that is not a number.",
    )
    DSL_ADD_POINTS_NOT_NUMBER = (
        "DSL_ADD_POINTS_NOT_NUMBER",
        Stage.RUN,
        "add_points was given something that is not a number.",
    )
    DSL_SET_POINTS_NOT_NUMBER = (
        "DSL_SET_POINTS_NOT_NUMBER",
        Stage.RUN,
        "set_points was given something that is not a number.",
    )
    DSL_SET_CASE_NAME_NOT_STRING = (
        "DSL_SET_CASE_NAME_NOT_STRING",
        Stage.RUN,
        "set_case_name was given something that is not a text.",
    )
    DSL_CALLBACK_TOO_LARGE = "DSL_CALLBACK_TOO_LARGE", Stage.RUN, "The callback data is too large as JSON."
    DSL_UNEXPECTED = (
        "DSL_UNEXPECTED",
        Stage.RUN,
        "An error of ours: the two executors disagree, or a run failed in a way that has no code.",
    )
    # Warnings
    DSL_UNREACHABLE = (
        "DSL_UNREACHABLE",
        Stage.WARNING,
        "What comes before always halts, so this never runs.",
    )
    DSL_ALWAYS_FAILS = (
        "DSL_ALWAYS_FAILS",
        Stage.WARNING,
        "The types are such that this fails whenever it is reached.",
    )
    DSL_VARIABLE_UNUSED = "DSL_VARIABLE_UNUSED", Stage.WARNING, "A variable is declared and never read."
    DSL_INPUT_UNUSED = "DSL_INPUT_UNUSED", Stage.WARNING, "An input is declared and never read."
    DSL_DUPLICATE_ID = "DSL_DUPLICATE_ID", Stage.WARNING, "Two nodes have the same id."


class Severity(StrEnum):
    """An error blocks saving; a warning is kept with the version."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something wrong, or doubtful, at one place of a program.

    `path` is the JSON path of the node or entry from the root, parts joined by "/", "" for the program itself;
    `node_id` is the author's id of the node if there is one, else the path.
    """

    code: Code
    message: str
    path: str = ""
    node_id: str = ""
    params: Mapping[str, object] = field(default_factory=dict)
    severity: Severity = Severity.ERROR
    hint: str | None = None

    def as_json(self) -> dict[str, object]:
        """Return the problem as the API shows it; `hint` only where there is one."""
        shown: dict[str, object] = {
            "code": str(self.code),
            "message": self.message,
            "path": self.path,
            "nodeId": self.node_id,
            "severity": str(self.severity),
            "params": dict(self.params),
        }
        if self.hint is not None:
            shown["hint"] = self.hint
        return shown


class DslError(Exception):
    """An error with a code, a message for people, and params for programs; `problems` where there are several."""

    def __init__(
        self,
        code: Code,
        message: str,
        params: Mapping[str, object] | None = None,
        *,
        problems: tuple[Problem, ...] = (),
    ) -> None:
        """Keep the parts; the text of the exception is `CODE: message`."""
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.params: dict[str, object] = dict(params or {})
        self.problems = problems


class RunError(DslError):
    """A failed run: what `DslError` has, and the place.

    `path` and `node_id` name the failing node (level 1 is the parent's program, 0 the program itself); `nodes`
    is how many nodes the run had begun to evaluate, the failing one included; `trace` is the trace up to there,
    if one was kept.
    """

    def __init__(
        self,
        code: Code,
        message: str,
        params: Mapping[str, object] | None = None,
        *,
        path: str = "",
        node_id: str = "",
        level: int = 0,
        nodes: int = 0,
        trace: Trace | None = None,
    ) -> None:
        """Keep the parts."""
        super().__init__(code, message, params)
        self.path = path
        self.node_id = node_id
        self.level = level
        self.nodes = nodes
        self.trace = trace


class Fault(Exception):
    """A failed operation that does not know its place; the executor turns it into a `RunError`."""

    def __init__(self, code: Code, message: str, params: Mapping[str, object] | None = None) -> None:
        """Keep the parts."""
        super().__init__(message)
        self.code = code
        self.message = message
        self.params: dict[str, object] = dict(params or {})
