"""Our language and the rule engines of bench/peers in one process, as ratios to plain Python.

Every engine first has to give plain Python's answers. A peer that is not installed is left out, and said so
(`pip install -r bench/requirements.txt` installs them). Plain Python is timed just before and after each engine; the
noise is by how much plain Python then differs from itself.
"""

import importlib.util
import runpy
import sys
from pathlib import Path
from typing import Any, Final

from bench.figures import Figure, noise
from bench.results import Findings

PEERS: Final = Path(__file__).parent / "peers"
PLAIN: Final = "g"
KEYS: Final = {
    "a1": "dsl.compiled_x_plain",
    "a2": "dsl.compiled_inputs_x_plain",
    "a3": "dsl.interpreted_x_plain",
    "a4": "dsl.traced_x_plain",
    "a5": "dsl.traced_json_x_plain",
    "a6": "dsl.mix_x_plain",
}
# What each peer's adapter imports.
MODULES: Final = {
    "b1": "zen", "b2": "zen", "b3": "zen", "b4": "zen", "c1": "cel", "c2": "cel", "c3": "celpy", "c4": "cel_expr_python",
    "d": "rule_engine", "e1": "json_logic", "e2": "jsonlogic_rs", "f1": "simpleeval", "f2": "asteval",
}  # fmt: skip


class WrongAnswerError(Exception):
    """Our language did not run, or gave another answer than plain Python."""


def measure(*, quick: bool) -> Findings:
    return findings(_rows(quick=quick))


def _rows(*, quick: bool) -> list[dict[str, Any]]:
    """Run the peers' own bench, ours among them, and return its rows."""
    sys.argv = ["bench.py", *(["--quick"] if quick else []), *_installed()]
    sys.path.insert(0, str(PEERS))
    rows: list[dict[str, Any]] = runpy.run_path(str(PEERS / "bench.py"))["main"]()
    return rows


def _installed() -> list[str]:
    missing = {key for key, module in MODULES.items() if importlib.util.find_spec(module) is None}
    for module in sorted({MODULES[key] for key in missing}):
        print(f"left out, not installed: {module}")
    return [key for key in (*KEYS, *MODULES) if key not in missing]


def findings(rows: list[dict[str, Any]]) -> Findings:
    """Take our ratios out of the rows. Raises WrongAnswerError."""
    right = {row["key"]: row for row in rows if not row["bad"]}
    if wrong := [key for key in KEYS if key not in right]:
        raise WrongAnswerError(f"wrong answers, or none: {', '.join(KEYS[key] for key in wrong)}")
    plain = right[PLAIN]["pairs"]
    share = noise(plain, [1.0] * len(plain))
    figures = {name: Figure(right[key]["ratio"], share) for key, name in KEYS.items()}
    columns = ("label", "us", "lo", "ratio", "p99", "bad")
    engines = {row["key"]: {name: row[name] for name in columns} for row in rows}
    return Findings(figures, {"server": "none: in process", "engines": engines})
