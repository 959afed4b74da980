"""The API's paths of kpi, under /api/v1/."""

from django.urls import URLPattern, path

from kpi.api.daily import DailyView
from kpi.api.dashboard import LogsSummaryView, SummaryView
from kpi.api.health import HealthCheckView
from kpi.api.slo import SloView
from kpi.api.strategies import CompareView, MetricsView

# One of the strategies' own paths would take `compare` for a strategy's name.
before_strategies: list[URLPattern] = [path("strategies/custom/compare", CompareView.as_view())]

urlpatterns: list[URLPattern] = [
    path("kpi/health_check", HealthCheckView.as_view()),
    path("kpi/daily", DailyView.as_view()),
    path("kpi/slo", SloView.as_view()),
    path("dashboard/summary", SummaryView.as_view()),
    path("dashboard/summary/logs", LogsSummaryView.as_view()),
    path("strategies/custom/<str:strategy>/metrics", MetricsView.as_view()),
]
