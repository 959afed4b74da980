"""What observability counts: every run, and what becomes of the traces."""

import functools
from typing import Final

from prometheus_client import Counter, Histogram

from gameproject.lib import tallies
from strategies.execution import Execution
from strategies.metrics import Bounded

MAX_REALMS: Final = 20  # a histogram multiplies

DURATION_BUCKETS: Final = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5,
)  # fmt: skip
DROP_REASONS: Final = ("queue_full", "broker_unavailable", "too_large", "rate_limited", "persist_failed")
REQUEST_DROP_REASONS: Final = ("buffer_full", "queue_full", "broker_unavailable", "persist_failed")

DURATION = tallies.Histogram(
    "dsl_execution_duration_seconds",
    "From the first fact read to the end of the run of a strategy.",
    ["realm", "strategy_type", "status"],
    buckets=DURATION_BUCKETS,
)
NODES = tallies.Counter(
    "dsl_execution_nodes_total", "Nodes visited, failed runs included.", ["realm", "strategy_type"]
)
ERRORS = tallies.Counter(
    "dsl_execution_errors_total", "Failed runs by code.", ["realm", "strategy_type", "code"]
)

LOG_OFFERED = Counter(
    "dsl_execution_log_offered_total", "Runs chosen to leave a trace: `sampled`, `slow`, `error`.", ["kind"]
)
LOG_PERSISTED = Counter("dsl_execution_log_persisted_total", "Traces stored.", ["kind"])
LOG_DROPPED = Counter(
    "dsl_execution_log_dropped_total",
    "Traces lost: `queue_full`, `broker_unavailable`, `too_large`, `rate_limited`, "
    "`persist_failed`. Scoring is not at risk.",
    ["reason"],
)
LOG_UNCONFIRMED = Counter(
    "dsl_execution_log_unconfirmed_total", "Traces sent to a broker that did not answer: perhaps queued."
)
LOG_LAG = Histogram(
    "dsl_execution_log_lag_seconds",
    "From a run to its stored trace.",
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800),
)

API_REQUESTS_DROPPED = Counter(
    "scoring_api_requests_dropped_total",
    "Request records lost: `buffer_full`, `queue_full`, `broker_unavailable`, `persist_failed`.",
    ["reason"],
)

# django-prometheus counts requests too, for five times the time; observability/request_metrics.py counts these.
HTTP_REQUESTS = tallies.Counter(
    "scoring_http_requests_total",
    "Requests of the API by the template of their path, such as `/api/v1/scores/{score}`; `none` "
    "where no path of ours was meant. All of the admin is `/admin/`. `status_class` is `2xx` to "
    "`5xx`.",
    ["route", "method", "status_class"],
)
HTTP_DURATION = tallies.Histogram(
    "scoring_http_request_duration_seconds",
    "How long requests of the API and the admin took, by the template of their path.",
    ["route"],
    buckets=(0.01, 0.1, 0.5, 1, 2.5),  # few: there are fifty routes
)

# Present at 0 from the start: an alert on a series that does not exist yet never fires.
for _kind in ("sampled", "slow", "error"):
    LOG_OFFERED.labels(_kind)
    LOG_PERSISTED.labels(_kind)
for _reason in DROP_REASONS:
    LOG_DROPPED.labels(_reason)
for _reason in REQUEST_DROP_REASONS:
    API_REQUESTS_DROPPED.labels(_reason)


def drop(reason: str, n: int = 1) -> None:
    LOG_DROPPED.labels(reason).inc(n)


_realm_name = Bounded(MAX_REALMS)


@functools.lru_cache(maxsize=10_000)
def _durations(realm: str, strategy_type: str, status: str) -> Histogram:
    return DURATION.labels(_realm_name(realm), strategy_type, status)


@functools.lru_cache(maxsize=10_000)
def _nodes(realm: str, strategy_type: str) -> Counter:
    return NODES.labels(_realm_name(realm), strategy_type)


def count_run(execution: Execution) -> None:
    """Count a run: how long, how many nodes, and what went wrong if it failed."""
    realm, strategy_type = execution.realm, execution.strategy_type
    _durations(realm, strategy_type, execution.status).observe(execution.duration_seconds)
    _nodes(realm, strategy_type).inc(execution.nodes)
    if execution.code is not None:
        ERRORS.labels(_realm_name(realm), strategy_type, execution.code).inc()
