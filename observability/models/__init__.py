"""What happened, as rows."""

from observability.models.api_requests import ApiRequestDrops, ApiRequests
from observability.models.audit import AuditChain, Logs, RefusalCount
from observability.models.executions import StrategyExecutionLog
from observability.models.trace_drops import TraceDrops
from observability.models.uptime import UptimeLogs

__all__ = [
    "ApiRequestDrops",
    "ApiRequests",
    "AuditChain",
    "Logs",
    "RefusalCount",
    "StrategyExecutionLog",
    "TraceDrops",
    "UptimeLogs",
]
