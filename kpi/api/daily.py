"""A realm's figures, day by day."""

from datetime import date, datetime
from typing import Final

import msgspec
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from gameproject.lib.api import json_number
from gameproject.lib.openapi import endpoint
from kpi.api.queries import MAX_DAYS, read_span
from kpi.models import KpiMetrics
from strategies.api.base import ApiView, json_response

TAG: Final = "KPI"
DAY: Final = {"type": "string", "format": "date"}


class DailyKpi(msgspec.Struct, rename="camel", kw_only=True):
    """The figures of a day in the realm's time zone; docs/kpi.md defines each. A share or a mean of nothing is null."""

    day: date
    time_zone: str
    is_provisional: bool
    rolled_up_at: datetime
    n_requests: int
    success_rate: float | None
    client_error_rate: float | None
    server_error_rate: float | None
    latency_mean_ms: float | None
    latency_p50_ms: float | None
    latency_p95_ms: float | None
    latency_p99_ms: float | None
    n_score_requests: int | None
    n_score_requests_over_200_ms: int | None
    n_score_requests_over_500_ms: int | None
    n_active_players: int
    n_new_players: int
    retention_day_1: float | None
    retention_day_7: float | None
    retention_day_30: float | None
    interactions_per_player: float | None
    n_scores: int
    n_awards: int
    n_no_awards: int
    n_vetoes: int
    n_fallbacks: int
    points_awarded: int | float
    n_actions: int
    uptime_share: float | None
    n_executions: int
    execution_error_rate: float | None
    n_requests_lost: int
    n_traces_lost: int
    completeness: float | None


class DailyKpis(msgspec.Struct, kw_only=True):
    """Oldest first. A day that was not rolled up is left out."""

    items: list[DailyKpi]


class DailyView(ApiView):
    @endpoint(
        name="listDailyKpis",
        summary="A realm's figures, day by day",
        tag=TAG,
        scope="read",
        answers={200: DailyKpis},
        details=f"At most {MAX_DAYS} days; the last 30 where none are named. The running day is provisional.",
        parameters=[
            OpenApiParameter("from", DAY, description="The first day."),
            OpenApiParameter("to", DAY, description="The last day."),
        ],
    )
    def get(self, request: Request) -> HttpResponse:
        span = read_span(self.realm, request.query_params, first="from", last="to")
        rows = KpiMetrics.objects.filter(realm=span.realm, day__range=(span.first, span.last)).order_by("day")
        return json_response(DailyKpis(items=[_daily(row) for row in rows]))


def _daily(row: KpiMetrics) -> DailyKpi:
    values = {name: getattr(row, name) for name in DailyKpi.__struct_fields__}
    return DailyKpi(**values | {"points_awarded": json_number(row.points_awarded)})
