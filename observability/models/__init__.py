"""What happened, as rows."""

from observability.models.executions import StrategyExecutionLog

__all__ = ["StrategyExecutionLog"]
