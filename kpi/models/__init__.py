"""How it went, and how far that is known."""

from kpi.models.hourly import HourlyScores
from kpi.models.metrics import KpiMetrics
from kpi.models.progress import RollupProgress
from kpi.models.so_far import DaySoFar

__all__ = ["DaySoFar", "HourlyScores", "KpiMetrics", "RollupProgress"]
