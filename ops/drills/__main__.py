"""`python -m ops.drills [NAME ...]`: run the drills, print a table, keep bench/out/drills.json; 1 if any fails."""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from ops.drills.drill import DRILLS, Report, run_drill
from ops.drills.service import Service
from ops.local.children import end_with_parent
from ops.local.run import ROOT
from ops.local.supervisor import STOPPING

N_EVENTS: Final = 2000
EVENTS_PER_SECOND: Final = 160.0  # so that a drill lasts longer than its faults
OUT: Final = ROOT / "bench" / "out" / "drills.json"
COLUMNS: Final[Mapping[str, Callable[[Report], object]]] = {
    "drill": lambda r: r.drill,
    "events": lambda r: r.n_events,
    "acked": lambda r: r.n_acknowledged,
    "stored": lambda r: r.n_stored,
    "faults": lambda r: r.n_faults,
    "s": lambda r: r.seconds,
    "503": lambda r: sum(n for name, n in r.statuses.items() if name.startswith("503")),
    "lost": lambda r: sum(n for name, n in r.statuses.items() if name.startswith("lost")),
    "replayed": lambda r: r.n_replayed,
    "p50 ms": lambda r: r.p50_ms,
    "p99 ms": lambda r: r.p99_ms,
    "stopped p99/max ms": lambda r: f"{r.silent_p99_ms}/{r.silent_max_ms}" if r.silent_max_ms else "",
    "batch max ms": lambda r: r.silent_batch_max_ms or "",
    "in flight": lambda r: "" if r.in_flight_on_average is None else r.in_flight_on_average,
    "first score s": lambda r: "" if r.first_score_after_fault_s is None else r.first_score_after_fault_s,
    "last 503 s": lambda r: r.last_refusal_after_fault_s,
    "readyz max ms": lambda r: r.readiness_max_ms,
    "": lambda r: "WRONG" if r.wrong else "ok",
}


def main(names: Sequence[str]) -> int:
    if "MAKELEVEL" in os.environ:
        end_with_parent(STOPPING[1])
    unknown = [name for name in names if name not in DRILLS]
    if unknown:
        print(f"There is no drill {unknown[0]!r}; there are: {', '.join(DRILLS)}", file=sys.stderr)
        return 2
    reports = []
    with Service() as service:
        for name in names or DRILLS:
            print(f"{name} ...", flush=True)
            reports.append(
                run_drill(service, DRILLS[name], n_events=N_EVENTS, events_per_second=EVENTS_PER_SECOND)
            )
        n_tracebacks = service.web_log().count("Traceback (most recent call last)")
    print(table(reports))
    for report in reports:
        print(f"{report.drill}: {report.statuses}", *report.wrong, sep="\n  WRONG: ")
    print(f"Tracebacks in the web server's log: {n_tracebacks}")
    OUT.parent.mkdir(parents=True, exist_ok=True)
    OUT.write_text(json.dumps({"at": time.time(), "drills": [each.as_json() for each in reports]}, indent=2))
    return int(any(report.wrong for report in reports))


def table(reports: Sequence[Report]) -> str:
    rows = [list(COLUMNS), *[[str(show(report)) for show in COLUMNS.values()] for report in reports]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
