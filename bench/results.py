"""Where the figures go: merged into bench/out/latest.json, and shown as tables."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from bench.figures import Figure, rounded

OUT: Final = Path(__file__).parent / "out" / "latest.json"


@dataclass
class Findings:
    """What a section found: figures by their flat keys, and everything they rest on."""

    figures: dict[str, Figure]
    detail: dict[str, Any] = field(default_factory=dict)


def merged(latest: Mapping[str, Any], section: str, findings: Findings) -> dict[str, Any]:
    """Put a section's figures in the place of its earlier ones; all others stay."""
    figures = findings.figures
    # A section may give a figure to another's name: it owns those that it has listed.
    own = {section, *latest.get(section, {}).get("keys", []), *figures}
    others = {key: value for key, value in latest.items() if key not in own}
    noise = {key: rounded(each.noise) for key, each in figures.items() if each.noise is not None}
    too_noisy = sorted(key for key, each in figures.items() if each.is_noisy)
    detail = {**findings.detail, "keys": sorted(figures), "noise": noise, "tooNoisy": too_noisy}
    return {**others, **{key: each.told for key, each in figures.items()}, section: detail}


def keep(section: str, findings: Findings, out: Path = OUT) -> None:
    """Merge into the latest results, all of it or nothing."""
    out.parent.mkdir(exist_ok=True)
    latest = json.loads(out.read_text()) if out.exists() else {}
    unfinished = out.with_suffix(f".{os.getpid()}")
    unfinished.write_text(json.dumps(merged(latest, section, findings), indent=1, sort_keys=True) + "\n")
    unfinished.replace(out)


def table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Align the first column left and all others right."""
    cells = [list(columns), *[[_cell(value) for value in row] for row in rows]]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    return "\n".join("  ".join(_aligned(row, widths)).rstrip() for row in cells)


def rows_of(summary: Mapping[str, Mapping[str, Any]]) -> list[list[object]]:
    """Make a table's rows of named measurements."""
    return [
        [name, *(f"{value:.0%}" if key == "noise" else value for key, value in row.items())]
        for name, row in summary.items()
    ]


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])]


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{rounded(value):g}"
    return str(value)
