"""What observability learns of each run: counters, and a log line for a failed one."""

import logging

from prometheus_client import Counter, Histogram

from strategies.execution import Execution

logger = logging.getLogger(__name__)

DURATION_BUCKETS = (
    0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5,
)  # fmt: skip

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


class DslExecutionObserver:
    """Counts every run and logs those that failed. Never raises: `notify` would only log it."""

    def record(self, execution: Execution) -> None:
        DURATION.labels(execution.realm, execution.strategy_type, execution.status).observe(
            execution.duration_seconds
        )
        NODES.labels(execution.realm, execution.strategy_type).inc(execution.nodes)
        if execution.code is not None:
            ERRORS.labels(execution.realm, execution.strategy_type, execution.code).inc()
            logger.warning(
                "run failed: %s at %s in %s v%d, realm %s, request %s",
                execution.code,
                execution.path,
                execution.strategy,
                execution.version,
                execution.realm,
                execution.request_id,
            )
