"""Problems as a page lists them: each with its pointer, line and column."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from gameproject.lib.errors import DomainError, JsonDict, Unprocessable
from strategies import dsl
from strategies.admin.strategies.json_text import JsonFault, Position, locate, read_json


@dataclass(frozen=True, slots=True)
class ShownProblem:
    """`pointer` is empty for what concerns the whole; `position` is unknown where there is no text to point into."""

    code: str
    message: str
    pointer: str
    severity: str
    hint: str
    position: Position | None

    def as_json(self) -> JsonDict:
        return {
            "code": self.code,
            "message": self.message,
            "pointer": self.pointer,
            "severity": self.severity,
            "hint": self.hint,
            "line": self.position.line if self.position else None,
            "column": self.position.column if self.position else None,
        }


def read_program(text: str) -> object:
    """Read a program as it was typed. Raises Unprocessable, with the place."""
    try:
        return read_json(text)
    except JsonFault as fault:
        problem: JsonDict = {
            "code": "NOT_JSON",
            "message": fault.message,
            "line": fault.position.line,
            "column": fault.position.column,
        }
        raise Unprocessable("This is not JSON.", code="NOT_JSON", problems=[problem]) from None


def problems_of(error: DomainError, text: str) -> list[ShownProblem]:
    """List what is wrong with a text; an error without a list is its only problem."""
    if error.problems is None:
        return [ShownProblem(error.code, error.message, "", dsl.Severity.ERROR, "", None)]
    return shown_problems(error.problems, text)


def shown_problems(problems: Iterable[Mapping[str, object]], text: str) -> list[ShownProblem]:
    problems = list(problems)
    paths = [str(problem["path"]) for problem in problems if "path" in problem]
    positions = locate(text, paths) if paths else {}
    return [_shown(problem, positions) for problem in problems]


def _shown(problem: Mapping[str, object], positions: Mapping[str, Position]) -> ShownProblem:
    line, column = problem.get("line"), problem.get("column")
    known = Position(line, column) if isinstance(line, int) and isinstance(column, int) else None
    path = str(problem.get("path", ""))
    return ShownProblem(
        code=str(problem["code"]),
        message=str(problem["message"]),
        pointer=str(problem.get("pointer", "")) or (f"/{path}" if path else ""),
        severity=str(problem.get("severity", dsl.Severity.ERROR)),
        hint=str(problem.get("hint", "")),
        position=known or positions.get(path),
    )
