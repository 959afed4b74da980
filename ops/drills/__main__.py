"""`python -m ops.drills [NAME ...]`: run the drills, print a table, keep bench/out/drills.json; 1 if any fails."""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Final

from ops.drills.drill import DRILLS, Report, run_drill
from ops.drills.service import Service
from ops.drills.trace_faults import FAULTS
from ops.drills.traces import Load, TraceDrill, observed_service
from ops.local.children import end_with_parent
from ops.local.run import ROOT
from ops.local.supervisor import STOPPING

N_EVENTS: Final = 2000
EVENTS_PER_SECOND: Final = 160.0  # so that a drill lasts longer than its faults
TRACE_DRILLS: Final = {f"traces-{name.replace('_', '-')}": name for name in FAULTS}
TRACE_SECONDS: Final = 12.0
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
    known = [*DRILLS, *TRACE_DRILLS]
    unknown = [name for name in names if name not in known]
    if unknown:
        print(f"There is no drill {unknown[0]!r}; there are: {', '.join(known)}", file=sys.stderr)
        return 2
    wanted = names or known
    reports = drill_ledger([name for name in wanted if name in DRILLS])
    loads = drill_traces([name for name in wanted if name in TRACE_DRILLS])
    OUT.parent.mkdir(parents=True, exist_ok=True)
    drills = [each.as_json() for each in reports]
    OUT.write_text(
        json.dumps(
            {"at": time.time(), "drills": drills, "traces": [asdict(each) for each in loads]}, indent=2
        )
    )
    return int(any(report.wrong for report in reports) or any(any(load.wrong()) for load in loads))


def drill_ledger(names: Sequence[str]) -> list[Report]:
    """Run drills whose question is the ledger, and show them."""
    if not names:
        return []
    reports = []
    with Service() as service:
        for name in names:
            print(f"{name} ...", flush=True)
            reports.append(
                run_drill(service, DRILLS[name], n_events=N_EVENTS, events_per_second=EVENTS_PER_SECOND)
            )
        n_tracebacks = service.web_log().count("Traceback (most recent call last)")
    print(table(reports))
    for report in reports:
        print(f"{report.drill}: {report.statuses}", *report.wrong, sep="\n  WRONG: ")
    print(f"Tracebacks in the web server's log: {n_tracebacks}")
    return reports


def drill_traces(names: Sequence[str]) -> list[Load]:
    """Run drills whose question is what became of the traces, and show them."""
    if not names:
        return []
    with observed_service() as service:
        drill = TraceDrill(service, TRACE_SECONDS)
        loads = [drill.load(TRACE_DRILLS[name], FAULTS[TRACE_DRILLS[name]]) for name in names]
        loads[-1].books.wrong.extend(drill.wait_for_the_taken())
    for load in loads:
        print(f"traces, {load.name}: {load.books}", *load.wrong(), sep="\n  WRONG: ")
    return loads


def table(reports: Sequence[Report]) -> str:
    rows = [list(COLUMNS), *[[str(show(report)) for show in COLUMNS.values()] for report in reports]]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
