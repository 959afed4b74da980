"""A chart, as data for the script that draws it and as a table for those who do not see it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Final

from django.utils.safestring import SafeString, mark_safe

from gameproject.lib.admin.display import NOTHING

Value = float | Decimal | None
HOURS: Final = "%Y-%m-%d %H:%M"


class Unit(StrEnum):
    COUNT = "count"
    SHARE = "share"
    MILLISECONDS = "ms"
    POINTS = "points"


@dataclass(frozen=True, slots=True)
class Line:
    name: str
    values: Sequence[Value]


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened at a time: a vertical line with a word."""

    at: datetime
    word: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over the same times. `key` names it in addresses; a value that is None is a gap."""

    key: str
    title: str
    unit: Unit
    times: Sequence[date | datetime]
    lines: Sequence[Line]
    note: str = ""
    marks: Sequence[Mark] = field(default=())

    @property
    def is_empty(self) -> bool:
        return all(value is None for line in self.lines for value in line.values)

    @property
    def data_id(self) -> str:
        return f"data-{self.key}"

    def as_json(self) -> dict[str, object]:
        return {
            "unit": self.unit,
            "times": [_seconds(at) for at in self.times],
            "lines": [
                {"name": line.name, "values": [_number(value) for value in line.values]}
                for line in self.lines
            ],
            "marks": [{"at": _seconds(mark.at), "word": mark.word} for mark in self.marks],
        }

    def rows(self) -> Iterator[tuple[str, list[str]]]:
        """Yield the table's rows, newest first: the time, and a cell for each line."""
        for n in reversed(range(len(self.times))):
            yield label_of(self.times[n]), [cell(line.values[n], self.unit) for line in self.lines]

    def table_body(self) -> SafeString:
        """Write the table's rows: a year has thousands of cells, for which a template's loop takes a quarter of a second."""
        return mark_safe("".join(_row(label, cells) for label, cells in self.rows()))  # noqa: S308  # times and figures alone


def _row(label: str, cells: Sequence[str]) -> str:
    numbers = "".join(f'<td class="number">{each}</td>' for each in cells)
    return f'<tr><th scope="row">{label}</th>{numbers}</tr>'


def label_of(at: date | datetime) -> str:
    return at.astimezone(UTC).strftime(HOURS) if isinstance(at, datetime) else at.isoformat()


def cell(value: Value, unit: Unit) -> str:
    if value is None:
        return NOTHING
    match unit:
        case Unit.SHARE:
            return f"{value * 100:.2f} %"
        case Unit.MILLISECONDS:
            return f"{value:,.2f} ms"
        case _:
            return f"{value:,.2f}".rstrip("0").rstrip(".")


def _seconds(at: date | datetime) -> int:
    moment = at if isinstance(at, datetime) else datetime.combine(at, time(), UTC)
    return int(moment.timestamp())


def _number(value: Value) -> float | None:
    return None if value is None else float(value)
