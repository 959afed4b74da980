"""What scoring counts, as functions that cost it less than a microsecond: children are looked up once and kept.

`strategies` does not know who reads the figures; docs/metrics.md says what each means. Labels come from closed sets:
what people name, such as strategies, is bounded here.
"""

import functools
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Literal, NamedTuple, Self

import prometheus_client

from gameproject.lib.tallies import Counter, Gauge, Histogram

MAX_STRATEGIES: Final = 200
MAX_CASES: Final = 50  # of a strategy
OTHER: Final = "other"

Mode = Literal["single", "batch"]
# Of a batch as a whole it is known whether it was answered; its events are counted one by one.
OUTCOMES: Final[Mapping[Mode, Sequence[str]]] = {
    "single": ("award", "no_award", "veto", "error", "fallback", "replayed"),
    "batch": ("award", "error"),
}
ROUTES: Final = ("points", "batch")
AUTH_METHODS: Final = ("api_key", "admin")
THROTTLE_SCOPES: Final = ("key", "player")

DURATION: Final = Histogram(
    "scoring_score_duration_seconds",
    "A scoring request as a whole: `mode` is `single` or `batch`, `outcome` is `award`, "
    "`no_award`, `veto`, `error`, `fallback` or `replayed`.",
    ["mode", "outcome"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.02, 0.04, 0.08, 0.12, 0.2, 0.35, 0.5, 0.75, 1, 2.5),
)
SCORES: Final = Counter(
    "scoring_scores_total",
    "Events that were answered, those of batches too.",
    ["strategy", "alias", "outcome"],
)
POINTS: Final = Counter(
    "scoring_points_awarded_total",
    "Points given. Negative ones are not taken off, those of test events not counted.",
    ["strategy"],
)
CASES: Final = Counter(
    "scoring_case_matches_total", "Scores by the case that gave them.", ["strategy", "case"]
)
IN_PROGRESS: Final = Gauge(
    "scoring_requests_in_progress",
    "Scoring requests being answered: `points`, `batch`.",
    ["route"],
    multiprocess_mode="livesum",
)
CACHE_OPERATIONS: Final = Counter(
    "scoring_strategy_cache_operations_total",
    "Look-ups of what scores a task, one for each task of a batch: `hit` or `miss`.",
    ["result"],
)
CACHE_ENTRIES: Final = prometheus_client.Gauge(
    "scoring_strategy_cache_entries",
    "Compiled programs, in the process with the most.",
    multiprocess_mode="livemax",
)
AUTH_FAILURES: Final = Counter(
    "scoring_auth_failures_total", "Refused keys (`api_key`) and log-ins (`admin`).", ["method"]
)
THROTTLED: Final = Counter(
    "scoring_throttled_total", "Requests over the limit of their `key` or `player`.", ["scope"]
)

# ── Children that exist from the start, at 0 ─────────────────────────────────────────────────────
_durations: Final = {
    (mode, outcome): DURATION.labels(mode, outcome)
    for mode, outcomes in OUTCOMES.items()
    for outcome in outcomes
}
_in_progress: Final = {route: IN_PROGRESS.labels(route) for route in ROUTES}
_cache_hit, _cache_miss = (CACHE_OPERATIONS.labels(result) for result in ("hit", "miss"))
_auth_failures: Final = {method: AUTH_FAILURES.labels(method) for method in AUTH_METHODS}
_throttled: Final = {scope: THROTTLED.labels(scope) for scope in THROTTLE_SCOPES}


class Bounded:
    """Names as they come, up to so many; then all others under one."""

    def __init__(self, at_most: int) -> None:
        self._at_most = at_most
        self._known: set[str] = set()

    def __call__(self, name: str) -> str:
        if name not in self._known:
            if len(self._known) >= self._at_most:
                return OTHER
            self._known.add(name)
        return name


_strategy_name = Bounded(MAX_STRATEGIES)
_case_names: defaultdict[str, Bounded] = defaultdict(lambda: Bounded(MAX_CASES))


@functools.lru_cache(maxsize=10_000)
def _scores(strategy: str, alias: str, outcome: str) -> Counter:
    return SCORES.labels(_strategy_name(strategy), alias, outcome)


@functools.lru_cache(maxsize=10_000)
def _points(strategy: str) -> Counter:
    return POINTS.labels(_strategy_name(strategy))


@functools.lru_cache(maxsize=10_000)
def _cases(strategy: str, case: str) -> Counter:
    name = _strategy_name(strategy)
    return CASES.labels(name, OTHER if name == OTHER else _case_names[name](case))


# ── What happened ────────────────────────────────────────────────────────────────────────────────
class Counted(NamedTuple):
    """An event that was run: its outcome, or `error`; its points, 0 for a test."""

    strategy: str
    alias: str
    outcome: str
    points: float
    case: str | None


def scored(events: Iterable[Counted]) -> None:
    """Count events that were run, those of a batch together: a counter costs more than a dictionary."""
    numbers: dict[Counted, int] = {}
    for event in events:
        numbers[event] = numbers.get(event, 0) + 1
    for (strategy, alias, outcome, points, case), n in numbers.items():
        _scores(strategy, alias, outcome).inc(n)
        if points > 0:  # what takes points off awards none
            _points(strategy).inc(points * n)
        if case is not None:
            _cases(strategy, case).inc(n)


def replayed(strategy: str, alias: str) -> None:
    """Count an event that was answered with the score it already had."""
    _scores(strategy, alias, "replayed").inc()


def looked_up(*, hit: bool) -> None:
    """Count a look-up of what scores a task: from the cache, or from the database."""
    (_cache_hit if hit else _cache_miss).inc()


def compiled(n_programs: int) -> None:
    """Note how many compiled programs this process holds."""
    CACHE_ENTRIES.set(n_programs)


class Answering:
    """The body of a `with` that answers a scoring request: in progress while it lasts, then timed by its outcome."""

    __slots__ = ("_began_at", "_mode", "_route", "outcome")

    def __init__(self, route: str, mode: Mode) -> None:
        self._route, self._mode = _in_progress[route], mode
        self.outcome = "error"

    def __enter__(self) -> Self:
        self._began_at = time.perf_counter()
        self._route.inc()
        return self

    def __exit__(self, *_: object) -> None:
        self._route.dec()
        _durations[self._mode, self.outcome].observe(time.perf_counter() - self._began_at)


def refused(method: str) -> None:
    """Count a key or a log-in that was not accepted."""
    _auth_failures[method].inc()


def throttled(scope: str) -> None:
    """Count a request over the limit of its key or its player."""
    _throttled[scope].inc()
