"""What each dashboard shows. Its place in the grid follows from its order."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ops.grafana.panels import BYTES, PER_SECOND, SECONDS, SHARE, Panel, Query, per_second, quantile, ratio

API: Final = 'route!="/admin/"'
REALM: Final = 'realm=~"$realm"'
STRATEGY: Final = 'strategy=~"$strategy"'
SINGLE: Final = 'mode="single"'
EXECUTIONS: Final = "/admin/observability/strategyexecutionlog/"
REQUESTS: Final = "/admin/observability/apirequests/"
SCORES: Final = "/admin/strategies/score/"
CACHE_OPERATIONS: Final = "scoring_strategy_cache_operations_total"
CACHE_HITS: Final = ratio(per_second(CACHE_OPERATIONS, where='result="hit"'), per_second(CACHE_OPERATIONS))


@dataclass(frozen=True)
class Dashboard:
    """A dashboard; `uid` is its file's name and its address in Grafana."""

    uid: str
    title: str
    panels: Sequence[Panel]


def _quantiles(histogram: str, where: str) -> list[Query]:
    return [Query(quantile(share, histogram, where=where), f"p{share * 100:.0f}") for share in (0.5, 0.95, 0.99)]  # fmt: skip


OVERVIEW: Final = Dashboard(
    "scoring-overview",
    "Scoring overview",
    [
        Panel("Up", [Query('sum(up{job="scoring"})', "instances")], is_number=True, width=4),
        Panel("Up for", [Query('time() - min(scoring_process_start_time_seconds{role="web"})', "")], SECONDS, is_number=True, width=4),
        Panel("Active players, 24 h", [Query("max(scoring_active_players)", "")], is_number=True, width=4, admin="/admin/strategies/player/"),
        Panel("Strategies that cannot score", [Query("max(scoring_strategies_without_production)", "")], yellow=1, red=2, is_number=True, width=4, admin="/admin/strategies/strategy/"),
        Panel("Compiled strategies", [Query("max(scoring_strategy_cache_entries)", "")], is_number=True, width=4),
        Panel("Error budget left, 30 days", [Query("min(slo:budget_left:share30d)", "")], SHARE, "Of the objective that is worst off.", yellow=0.5, red=0, is_number=True, width=4, admin="/admin/kpi/objectives/"),
        Panel("Requests by route and status", [Query(per_second("scoring_http_requests_total", "route", "status_class"), "{{status_class}} {{route}}")], PER_SECOND, admin=REQUESTS),
        Panel("Score latency", _quantiles("scoring_score_duration_seconds", SINGLE), SECONDS, "Of single events, the whole request.", yellow=0.08, red=0.2, admin=f"{REQUESTS}?kind=score&slow=80"),
        Panel("Error rate", [Query(ratio(per_second("scoring_http_requests_total", where=f'{API}, status_class="5xx"'), per_second("scoring_http_requests_total", where=API)), "5xx"), Query(ratio(per_second("scoring_http_requests_total", where=f'{API}, status_class="4xx"'), per_second("scoring_http_requests_total", where=API)), "4xx")], SHARE, yellow=0.01, red=0.05, admin=f"{REQUESTS}?status=5xx"),
        Panel("Scores by outcome", [Query(per_second("scoring_scores_total", "outcome", where=STRATEGY), "{{outcome}}")], PER_SECOND, admin=SCORES),
        Panel("Points awarded", [Query(per_second("scoring_points_awarded_total", "strategy", where=STRATEGY), "{{strategy}}")], meaning="A second.", admin=SCORES),
        Panel("Scoring requests in progress", [Query("sum by (instance) (scoring_requests_in_progress)", "{{instance}}")], yellow=6, red=8),
        Panel("Latency by route, p95", [Query(quantile(0.95, "scoring_http_request_duration_seconds", "route"), "{{route}}")], SECONDS, yellow=0.5, red=1, admin=REQUESTS),
        Panel("Evaluation by type, p95", [Query(quantile(0.95, "dsl_execution_duration_seconds", "strategy_type", where=REALM), "{{strategy_type}}")], SECONDS, "Facts and run.", yellow=0.25, red=0.4, admin=f"{EXECUTIONS}?kind=slow"),
        Panel("Strategy cache hit rate", [Query(CACHE_HITS, "hit")], SHARE, yellow=0.95, red=0.8),
        Panel("Task duration, p95", [Query(quantile(0.95, "scoring_task_duration_seconds", "task"), "{{task}}")], SECONDS),
        Panel("Trace queue", [Query("max(dsl_execution_log_queue_length)", "waiting"), Query("max(dsl_execution_log_queue_limit)", "limit"), Query("sum by (reason) (increase(dsl_execution_log_dropped_total[$interval]))", "dropped: {{reason}}")], admin="/admin/observability/put-aside/"),
        Panel("Trace persist lag", _quantiles("dsl_execution_log_lag_seconds", "")[:2], SECONDS, "From a run to its stored trace.", yellow=10, red=60, admin=EXECUTIONS),
    ],
)  # fmt: skip

STRATEGIES: Final = Dashboard(
    "strategy-performance",
    "Strategy performance",
    [
        Panel("Runs by status", [Query(per_second("dsl_execution_duration_seconds_count", "status", where=REALM), "{{status}}")], PER_SECOND, admin=EXECUTIONS),
        Panel("Runs by realm and type, p99", [Query(quantile(0.99, "dsl_execution_duration_seconds", "realm", "strategy_type", where=REALM), "{{realm}} {{strategy_type}}")], SECONDS, yellow=0.25, red=0.4, admin=f"{EXECUTIONS}?kind=slow"),
        Panel("Share of runs that fail", [Query(ratio(per_second("dsl_execution_errors_total", "realm", where=REALM), per_second("dsl_execution_duration_seconds_count", "realm", where=REALM)), "{{realm}}")], SHARE, yellow=0.01, red=0.05, admin=f"{EXECUTIONS}?kind=error"),
        Panel("Errors by code", [Query(per_second("dsl_execution_errors_total", "code", where=REALM), "{{code}}")], PER_SECOND, admin=f"{EXECUTIONS}?kind=error"),
        Panel("Nodes a minute", [Query(f"60 * {per_second('dsl_execution_nodes_total', 'realm', where=REALM)}", "{{realm}}")]),
        Panel("Nodes a run", [Query(ratio(per_second("dsl_execution_nodes_total", "realm", "strategy_type", where=REALM), per_second("dsl_execution_duration_seconds_count", "realm", "strategy_type", where=REALM)), "{{realm}} {{strategy_type}}")]),
        Panel("Cases matched", [Query(per_second("scoring_case_matches_total", "strategy", "case", where=STRATEGY), "{{strategy}}: {{case}}")], PER_SECOND, admin=SCORES),
        Panel("Points a score", [Query(ratio(per_second("scoring_points_awarded_total", "strategy", where=STRATEGY), per_second("scoring_scores_total", "strategy", where=f'{STRATEGY}, outcome="award"')), "{{strategy}}")], admin=SCORES),
        Panel("Scores by strategy and outcome", [Query(per_second("scoring_scores_total", "strategy", "outcome", where=STRATEGY), "{{strategy}}: {{outcome}}")], PER_SECOND, admin=SCORES),
        Panel("Traces offered and persisted", [Query("sum(increase(dsl_execution_log_offered_total[$interval]))", "offered"), Query("sum(increase(dsl_execution_log_persisted_total[$interval]))", "persisted"), Query("sum(increase(dsl_execution_log_dropped_total[$interval]))", "dropped"), Query("sum(increase(dsl_execution_log_unconfirmed_total[$interval]))", "unconfirmed")], meaning="What was offered is persisted, dropped, unconfirmed, or waits.", admin=EXECUTIONS),
    ],
)  # fmt: skip

SYSTEM: Final = Dashboard(
    "system",
    "System",
    [
        Panel("Dependencies", [Query("min by (dependency) (scoring_dependency_up)", "{{dependency}}")], meaning="1: there; 0: away.", yellow=1, red=0.5, is_number=True, width=12, admin="/admin/observability/uptimelogs/"),
        Panel("Last rollup", [Query("time() - max(scoring_kpi_last_rollup_timestamp_seconds)", "")], SECONDS, yellow=5400, red=7200, is_number=True, width=4, admin="/admin/kpi/kpimetrics/"),
        Panel("Default partitions with rows", [Query("sum(max by (table) (scoring_default_partition_occupied))", "")], yellow=1, red=2, is_number=True, width=4),
        Panel("Release", [Query("max by (version, environment) (scoring_build_info)", "{{version}} {{environment}}")], is_number=True, width=4),
        Panel("Database connections", [Query("max by (state) (scoring_db_connections)", "{{state}}"), Query("max(scoring_db_connections_max)", "limit")]),
        Panel("Database statements", _quantiles("django_db_query_duration_seconds", ""), SECONDS, "Of the API, the admin and tasks; scores' own are in the score latency.", yellow=0.1, red=0.5),
        Panel("Database statements and failures", [Query(per_second("django_db_execute_total"), "statements"), Query(per_second("django_db_errors_total", "type"), "error: {{type}}"), Query(per_second("django_db_new_connections_total"), "new connections"), Query(per_second("django_db_new_connection_errors_total"), "error: no connection")], PER_SECOND),
        Panel("Queues", [Query("max by (queue) (scoring_queue_length)", "{{queue}}")]),
        Panel("Memory of the largest process", [Query("max by (role) (scoring_process_memory_bytes)", "{{role}}")], BYTES, yellow=500e6, red=1e9),
        Panel("Tasks by status", [Query(per_second("scoring_task_total", "status"), "{{status}}")], PER_SECOND),
        Panel("Tasks that failed", [Query('sum by (task) (increase(scoring_task_total{status="failure"}[$interval]))', "{{task}} failure")]),
        Panel("Since a task last succeeded", [Query("time() - max by (task) (scoring_task_last_success_timestamp_seconds)", "{{task}}")], SECONDS),
        Panel("Strategy cache hit rate", [Query(CACHE_HITS, "hit")], SHARE, yellow=0.95, red=0.8),
        Panel("Strategy cache operations", [Query(per_second(CACHE_OPERATIONS, "result"), "{{result}}")], PER_SECOND),
        Panel("Log records by level", [Query(per_second("scoring_log_records_total", "level"), "{{level}}")], PER_SECOND),
        Panel("Errors for Sentry", [Query("sum by (action) (increase(scoring_sentry_events_total[$interval]))", "{{action}}")]),
        Panel("Refused keys and log-ins", [Query(per_second("scoring_auth_failures_total", "method"), "{{method}}")], PER_SECOND, admin="/admin/observability/logs/"),
        Panel("Requests over a limit", [Query(per_second("scoring_throttled_total", "scope"), "{{scope}}")], PER_SECOND, admin=f"{REQUESTS}?status=4xx"),
        Panel("Request records lost", [Query("sum by (reason) (increase(scoring_api_requests_dropped_total[$interval]))", "{{reason}}")]),
    ],
)  # fmt: skip

OBJECTIVES: Final = Dashboard(
    "objectives",
    "Objectives",
    [
        Panel("Error budget left, 30 days", [Query("slo:budget_left:share30d", "{{slo}}")], SHARE, "1: nothing was bad; below 0 the objective is missed.", yellow=0.5, red=0, is_number=True, width=24, admin="/admin/kpi/objectives/"),
        Panel("Burn rate, 1 h", [Query("slo:bad:share1h / on (slo) (1 - slo:objective)", "{{slo}}")], meaning="1 spends the budget in just 30 days.", yellow=6, red=14.4, width=12),
        Panel("Burn rate, 6 h", [Query("slo:bad:share6h / on (slo) (1 - slo:objective)", "{{slo}}")], yellow=1, red=6, width=12),
        Panel("Bad share, 5 min", [Query("slo:bad:share5m", "{{slo}}")], SHARE, width=12),
        Panel("Bad share, 30 days", [Query("slo:bad:share30d", "{{slo}}")], SHARE, width=12),
    ],
)  # fmt: skip

ALL: Final = (OVERVIEW, STRATEGIES, SYSTEM, OBJECTIVES)
