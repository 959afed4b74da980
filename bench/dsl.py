"""Run the rule engines of bench/peers and our language in one process, and keep the ratios to plain Python.

    python -m bench.dsl [--quick]

From the project's root. Every engine first has to give plain Python's answers; a peer that is not installed is skipped
with a line (`pip install -r bench/requirements.txt` installs them). Ratios go into bench/out/latest.json, merged.
"""

from __future__ import annotations

import importlib.util
import json
import runpy
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
OUT = HERE / "out" / "latest.json"

KEYS = {
    "a1": "dsl.compiled_x_plain",
    "a2": "dsl.compiled_inputs_x_plain",
    "a3": "dsl.interpreted_x_plain",
    "a4": "dsl.traced_x_plain",
    "a5": "dsl.traced_json_x_plain",
    "a6": "dsl.mix_x_plain",
}
MODULES = {
    "b1": "zen", "b2": "zen", "b3": "zen", "b4": "zen", "c1": "cel", "c2": "cel", "c3": "celpy", "c4": "cel_expr_python",
    "d": "rule_engine", "e1": "json_logic", "e2": "jsonlogic_rs", "f1": "simpleeval", "f2": "asteval",
}  # fmt: skip
"""What each peer's adapter imports."""


def installed() -> list[str]:
    """Return the keys of the engines that can run, and say which cannot."""
    missing = {key for key, module in MODULES.items() if importlib.util.find_spec(module) is None}
    for module in sorted({MODULES[key] for key in missing}):
        print(f"skipped, not installed: {module}")
    return [key for key in (*KEYS, *MODULES) if key not in missing]


def measured() -> list[dict[str, Any]]:
    """Run the peers' own bench, ours among them, and return its rows."""
    options = [each for each in sys.argv[1:] if each == "--quick"]
    sys.argv = ["bench.py", *options, *installed()]
    sys.path.insert(0, str(HERE / "peers"))
    rows: list[dict[str, Any]] = runpy.run_path(str(HERE / "peers" / "bench.py"))["main"]()
    return rows


def keep(rows: list[dict[str, Any]]) -> None:
    """Merge the ratios of the engines that gave the right answers into the latest results."""
    OUT.parent.mkdir(exist_ok=True)
    latest = json.loads(OUT.read_text()) if OUT.exists() else {}
    latest |= {
        KEYS[row["key"]]: round(row["ratio"], 2) for row in rows if row["key"] in KEYS and not row["bad"]
    }
    OUT.write_text(json.dumps(latest, indent=1, sort_keys=True) + "\n")


def is_quiet(rows: list[dict[str, Any]]) -> bool:
    """Return whether plain Python took as long as plain Python just before and after: else the ratios say nothing."""
    return all(0.85 <= row["ratio"] <= 1.15 for row in rows if row["key"] == "g")


def main() -> int:
    """Measure, keep, and fail if ours gave a wrong answer or did not run, or if the machine was too busy."""
    rows = measured()
    if not is_quiet(rows):
        print("The machine was too busy to compare: plain Python differs from itself. Nothing was kept.")
        return 2
    keep(rows)
    right = {row["key"] for row in rows if not row["bad"]}
    return 0 if right >= set(KEYS) else 1


if __name__ == "__main__":
    sys.exit(main())
