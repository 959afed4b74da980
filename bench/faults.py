"""Faults under load: nothing of them may be felt, and every trace must be accounted for.

Every run leaves a trace (sample rate 1), two web processes, one worker, the load open and at half of what the service
can do. Undisturbed and disturbed loads take turns; a disturbed one is compared with the undisturbed ones before and
after it, and these with each other, which gives the noise. How it is done: ops/drills/traces.py.
"""

import statistics
from collections.abc import Sequence
from dataclasses import asdict
from itertools import pairwise
from typing import Final

from bench.figures import Figure, rounded
from bench.progress import Progress
from bench.results import Findings, table
from bench.stage import StageError
from ops.drills.service import WEB_WORKERS
from ops.drills.trace_faults import FAULTS
from ops.drills.traces import VARIABLES, Load, TraceDrill, observed_service

SECONDS: Final = 30.0
QUICK_SECONDS: Final = 6.0
COLUMNS: Final = (
    *("", "requests", "errors", "p50 ms", "p99 ms", "offered", "persisted", "dropped", "waiting"),
    *("unconfirmed", "found", "fault s", "recovery s"),
)


def measure(*, quick: bool) -> Findings:
    try:
        with observed_service() as service:
            drill = TraceDrill(service, QUICK_SECONDS if quick else SECONDS)
            print(f"{drill.per_second:.0f} requests a second, half of what it can do", flush=True)
            undisturbed, disturbed = _take_turns(drill)
            late = drill.wait_for_the_taken()
    except RuntimeError as error:
        raise StageError(str(error)) from error
    wrong = [f"{each.name}: {line}" for each in [*undisturbed, *disturbed] for line in each.books.wrong]
    if wrong or late:
        raise StageError("The books do not close.\n" + "\n".join([*wrong, *late]))
    detail = {
        "requestsPerSecond": rounded(drill.per_second),
        "webProcesses": WEB_WORKERS,
        "variables": VARIABLES,
        "undisturbed": [asdict(each) for each in undisturbed],
        "disturbed": [asdict(each) for each in disturbed],
    }
    return Findings(_figures(undisturbed, disturbed), detail)


def _take_turns(drill: TraceDrill) -> tuple[list[Load], list[Load]]:
    """Let an undisturbed load come before and after each disturbed one."""
    undisturbed, disturbed = [drill.load("undisturbed")], []
    with Progress("loads", len(FAULTS)) as progress:
        for name, fault in FAULTS.items():
            disturbed.append(drill.load(name, fault))
            undisturbed.append(drill.load("undisturbed"))
            progress.step()
    print(
        table(COLUMNS, [_shown(each) for pair in zip(undisturbed, disturbed, strict=False) for each in pair])
    )
    return undisturbed, disturbed


def _shown(load: Load) -> list[object]:
    books = load.books
    in_the_books = [books.offered, books.persisted, sum(books.dropped.values()), books.waiting]
    measured = [load.name, load.n_requests, load.n_errors, load.p50_ms, load.p99_ms]
    return [
        *measured,
        *in_the_books,
        books.unconfirmed,
        books.unconfirmed_found,
        load.fault_s,
        load.recovery_s,
    ]


def _figures(undisturbed: Sequence[Load], disturbed: Sequence[Load]) -> dict[str, Figure]:
    figures: dict[str, Figure] = {}
    for load, (before, after) in zip(disturbed, pairwise(undisturbed), strict=True):
        values = {
            "offered": Figure(load.books.offered),
            "persisted": Figure(load.books.persisted),
            "dropped": Figure(sum(load.books.dropped.values())),
            "waiting": Figure(load.books.waiting),
            "unconfirmed": Figure(load.books.unconfirmed),
            "errors_added": Figure(load.n_errors - max(before.n_errors, after.n_errors)),
            "p99_ratio": _ratio(load.p99_ms, before.p99_ms, after.p99_ms),
            "recovery_s": Figure(load.recovery_s),
        }
        figures |= {f"faults.{load.name}.{name}": figure for name, figure in values.items()}
    return figures


def _ratio(disturbed: float, before: float, after: float) -> Figure:
    undisturbed = statistics.mean([before, after])
    return Figure(disturbed / undisturbed, noise=max(before, after) / min(before, after) - 1)
