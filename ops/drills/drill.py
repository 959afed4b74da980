"""One drill: load, a fault, the audit; its figures, and what is wrong."""

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from ops.drills import faults
from ops.drills.audit import audit, count
from ops.drills.faults import Fault, Lasted
from ops.drills.health import Seen, Watcher
from ops.drills.load import Attempt, Load
from ops.drills.plan import make_game, make_jobs
from ops.drills.service import Service

KNOWN_CODES: Final = {"DSL_TIMEOUT", "DATABASE_UNAVAILABLE", "DATABASE_BUSY"}
DEADLINE_SECONDS: Final = 0.5
# For the watchdog's grace (50 ms), the wait for a free thread, the clients' own threads on the same two cores.
MARGIN_SECONDS: Final = 0.25
# A batch has a deadline of 10 s, but it ends as soon as PostgreSQL is known to be silent.
SILENCE_KNOWN_SECONDS: Final = 1.0
HEALTH_SECONDS: Final = 1.0  # for each dependency
RECOVERY_SECONDS: Final = 3.0  # the clients' Retry-After of 1 s is in it
N_WARM_UP: Final = 80
THREADS: Final = 8  # of both web workers: what can be in flight at the service


@dataclass(frozen=True)
class Drill:
    """What is done, for how long, and what the clients may notice of it."""

    name: str
    fault: Fault
    seconds: float = 0.0
    pace: float = 1.0  # of the load
    lost_connections: bool = False
    unavailable: bool = True
    silent: bool = False  # answers must keep the deadline though PostgreSQL gives none
    ready_meanwhile: bool | None = False  # what /readyz must say; None: either


DRILLS: Final = {
    drill.name: drill
    for drill in [
        Drill("worker-killed", faults.kill_workers, pace=0.4, lost_connections=True, ready_meanwhile=None),
        Drill("postgres-restarted", faults.restart_postgres, ready_meanwhile=None),
        Drill("postgres-crashed", faults.crash_postgres, ready_meanwhile=None),
        Drill("postgres-stopped", faults.stop_postgres, seconds=10.0, silent=True),
        Drill("valkey-killed", faults.kill_valkey, seconds=4.0, unavailable=False),
        Drill("valkey-stopped", faults.stop_valkey, seconds=4.0, unavailable=False),
    ]
}


@dataclass
class Report:
    """Figures of a drill. Milliseconds from sending a request to its answer; seconds otherwise."""

    drill: str
    n_events: int = 0
    n_acknowledged: int = 0
    n_stored: int = 0
    n_replayed: int = 0
    n_batches: int = 0
    n_faults: int = 0
    seconds: float = 0.0
    statuses: dict[str, int] = field(default_factory=dict)
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    # Of every answer to a single event that was waited for while PostgreSQL was stopped; batches by themselves.
    silent_p99_ms: float | None = None
    silent_max_ms: float | None = None
    silent_batch_max_ms: float | None = None
    in_flight_on_average: float | None = None  # from a second after the stop
    first_score_after_fault_s: float | None = None
    last_refusal_after_fault_s: float | None = None
    health_max_ms: float = 0.0
    readiness_max_ms: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def run_drill(
    service: Service, drill: Drill, *, n_events: int, events_per_second: float, seconds: float | None = None
) -> Report:
    """Run a drill on a service in good health, and leave it so. `seconds` shortens the fault."""
    service.require_durability()
    game = make_game(service, f"{drill.name}-{time.time_ns():x}")
    jobs = make_jobs(game, n_events, seed=len(drill.name))
    # New workers load and compile first; what that costs is not the fault's.
    warm_up = Load(service.port, service.api_key, make_jobs(game, N_WARM_UP, seed=0, name="warm-up"), 50.0)
    warm_up.start()
    warm_up.wait()
    load = Load(service.port, service.api_key, jobs, events_per_second * drill.pace)
    with Watcher(service) as watcher:
        load.start()
        lasted = drill.fault(service, load, drill.seconds if seconds is None else seconds)
        duration = load.wait(title=drill.name)
        time.sleep(0.5)  # one more look at the health of all
    sent = [key for job in [*warm_up.jobs, *jobs] for key in job.keys]
    acknowledged = {**warm_up.acknowledged, **load.acknowledged}
    with service.connect() as connection:
        wrong = audit(connection, game, sent=sent, acknowledged=acknowledged)
        n_stored = count(connection, game) - len(warm_up.acknowledged)
    report = Report(
        drill=drill.name,
        n_events=n_events,
        n_acknowledged=len(load.acknowledged),
        n_stored=n_stored,
        n_replayed=sum(each.replayed for each in load.acknowledged.values()),
        n_batches=sum(job.is_batch for job in jobs),
        n_faults=len(lasted),
        seconds=round(duration, 1),
        statuses=_statuses(load.attempts),
        wrong=wrong,
    )
    _require_all_answered(report, load)
    _look_at_attempts(report, drill, load.attempts, lasted)
    _look_at_health(report, drill, watcher.seen, lasted)
    return report


# ── What the clients saw ─────────────────────────────────────────────────────────────────────────
def _statuses(attempts: Sequence[Attempt]) -> dict[str, int]:
    names = Counter(f"{each.status or 'lost'} {each.code}".strip() for each in attempts)
    return dict(sorted(names.items()))


def _require_all_answered(report: Report, load: Load) -> None:
    if load.refused:
        report.wrong.append(f"{len(load.refused)} events got no score, such as {load.refused[0]}")
    if report.n_acknowledged + len(load.refused) != report.n_events:
        report.wrong.append(f"{report.n_events} sent, {report.n_acknowledged} acknowledged")


def _look_at_attempts(
    report: Report, drill: Drill, attempts: Sequence[Attempt], lasted: Sequence[Lasted]
) -> None:
    answered = sorted(each.seconds for each in attempts if each.is_answer)
    report.p50_ms, report.p99_ms = _percentile(answered, 0.5), _percentile(answered, 0.99)
    unexpected = [each for each in attempts if not _is_expected(each, drill, lasted)]
    if unexpected:
        report.wrong.append(f"{len(unexpected)} unexpected answers: {_statuses(unexpected)}")
    # The first score that was asked for after the fault, or was waiting; and the end of all refusals.
    report.first_score_after_fault_s = _latest(
        min(
            (each.ended_at - end for each in attempts if each.is_answer and each.ended_at > end), default=None
        )
        for _began, end in lasted
    )
    after = [each.ended_at - lasted[-1].ended_at for each in attempts if each.status == 503]
    report.last_refusal_after_fault_s = round(max([0.0, *after]), 2)
    if report.first_score_after_fault_s is not None and report.first_score_after_fault_s > RECOVERY_SECONDS:
        report.wrong.append(f"the first score came {report.first_score_after_fault_s} s after the fault")
    if drill.silent:
        _look_at_silence(report, attempts, lasted[0])


def _is_expected(attempt: Attempt, drill: Drill, lasted: Sequence[Lasted]) -> bool:
    if attempt.is_answer:
        return True
    meanwhile = any(
        attempt.ended_at >= began and attempt.began_at <= end + RECOVERY_SECONDS for began, end in lasted
    )
    if attempt.status == 0:
        return drill.lost_connections and meanwhile
    return drill.unavailable and meanwhile and attempt.status == 503 and attempt.code in KNOWN_CODES


def _look_at_silence(report: Report, attempts: Sequence[Attempt], lasted: Lasted) -> None:
    began_at, ended_at = lasted
    waiting = [each for each in attempts if each.began_at < ended_at and each.ended_at > began_at]
    singles = sorted(each.seconds for each in waiting if not each.is_batch)
    batches = sorted(each.seconds for each in waiting if each.is_batch)
    report.silent_p99_ms, report.silent_max_ms = _percentile(singles, 0.99), _percentile(singles, 1.0)
    report.silent_batch_max_ms = _percentile(batches, 1.0)
    if report.silent_max_ms > (DEADLINE_SECONDS + MARGIN_SECONDS) * 1000:
        report.wrong.append(f"an answer took {report.silent_max_ms:.0f} ms while PostgreSQL was stopped")
    if report.silent_batch_max_ms > (SILENCE_KNOWN_SECONDS + MARGIN_SECONDS) * 1000:
        report.wrong.append(f"a batch took {report.silent_batch_max_ms:.0f} ms while PostgreSQL was stopped")
    in_time = [each for each in waiting if each.ended_at < ended_at and each.began_at > began_at + 0.05]
    if any(each.is_answer for each in in_time):
        report.wrong.append("a score was answered while PostgreSQL was stopped")
    report.in_flight_on_average = _in_flight(waiting, began_at + 1.0, ended_at)
    if report.in_flight_on_average > THREADS:
        report.wrong.append(f"{report.in_flight_on_average} requests were in flight: they pile up")


def _in_flight(attempts: Sequence[Attempt], began_at: float, ended_at: float) -> float:
    """Return how many requests were under way between two moments, on average."""
    waited = sum(max(0.0, min(each.ended_at, ended_at) - max(each.began_at, began_at)) for each in attempts)
    return round(waited / (ended_at - began_at), 2)


def _latest(seconds: Any) -> float | None:
    known = [each for each in seconds if each is not None]
    return round(max(known), 2) if known else None


def _percentile(ordered: Sequence[float], share: float) -> float:
    """Return a percentile in milliseconds; 0 of nothing."""
    return round(ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000, 1) if ordered else 0.0


# ── What a balancer saw ──────────────────────────────────────────────────────────────────────────
def _look_at_health(report: Report, drill: Drill, seen: Sequence[Seen], lasted: Sequence[Lasted]) -> None:
    health = [each for each in seen if each.path == "/healthz"]
    ready = [each for each in seen if each.path == "/readyz"]
    report.health_max_ms = round(max(each.seconds for each in health) * 1000, 1)
    report.readiness_max_ms = round(max(each.seconds for each in ready) * 1000, 1)
    if not drill.lost_connections and any(each.status != 200 for each in health):
        report.wrong.append(f"/healthz answered {sorted({each.status for each in health})}")
    if report.readiness_max_ms > (HEALTH_SECONDS + MARGIN_SECONDS) * 1000 and not drill.lost_connections:
        report.wrong.append(f"/readyz took {report.readiness_max_ms:.0f} ms")
    meanwhile = {
        each.status
        for each in ready
        for began, end in lasted
        if began < each.at < end - HEALTH_SECONDS - MARGIN_SECONDS
    }
    if drill.ready_meanwhile is False and meanwhile - {503}:
        report.wrong.append(f"/readyz answered {sorted(meanwhile)} during the fault")
    if ready[-1].status != 200:
        report.wrong.append("/readyz is not well again")
