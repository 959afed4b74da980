"""What observability counts: every run, and what becomes of the traces."""

from typing import Final

from prometheus_client import Counter, Histogram

DURATION_BUCKETS: Final = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5,
)  # fmt: skip
DROP_REASONS: Final = ("queue_full", "broker_unavailable", "too_large", "rate_limited", "persist_failed")
UNCONFIRMED: Final = "unconfirmed"

DURATION = Histogram(
    "dsl_execution_duration_seconds",
    "Facts and run of a strategy.",
    ["realm", "strategy_type", "status"],
    buckets=DURATION_BUCKETS,
)
NODES = Counter(
    "dsl_execution_nodes_total", "Nodes visited, failed runs included.", ["realm", "strategy_type"]
)
ERRORS = Counter("dsl_execution_errors_total", "Failed runs by code.", ["realm", "strategy_type", "code"])

LOG_OFFERED = Counter("dsl_execution_log_offered_total", "Runs chosen to leave a trace.", ["kind"])
LOG_PERSISTED = Counter("dsl_execution_log_persisted_total", "Traces stored.", ["kind"])
LOG_DROPPED = Counter("dsl_execution_log_dropped_total", "Traces lost, by reason.", ["reason"])
LOG_UNCONFIRMED = Counter(
    "dsl_execution_log_unconfirmed_total", "Traces sent to a broker that did not answer: perhaps queued."
)
LOG_LAG = Histogram(
    "dsl_execution_log_lag_seconds",
    "From a run to its stored trace.",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)

# Present at 0 from the start: an alert on a series that does not exist yet never fires.
for _kind in ("sampled", "slow", "error"):
    LOG_OFFERED.labels(_kind)
    LOG_PERSISTED.labels(_kind)
for _reason in DROP_REASONS:
    LOG_DROPPED.labels(_reason)


def drop(reason: str, n: int = 1) -> None:
    LOG_DROPPED.labels(reason).inc(n)
