"""What dashboards draw: figures by day, ISO week or month."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Final

import msgspec
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from gameproject.lib.api import json_number
from gameproject.lib.openapi import endpoint
from kpi import dashboards
from kpi.api.daily import DAY, TAG
from kpi.api.queries import MAX_DAYS, read_span
from kpi.dashboards import LABELS, Number, Span
from strategies.api.base import ApiView, json_response

PARAMETERS: Final = (
    OpenApiParameter("start_date", DAY, description="The first day."),
    OpenApiParameter("end_date", DAY, description="The last day."),
    OpenApiParameter("group_by", str, enum=list(LABELS), description="2026-01-31, 2026-W05 or 2026-01."),
)
DETAILS: Final = (
    f"At most {MAX_DAYS} days; the last 30 where none are named. Labels come in order, gaps as 0."
)


class Point(msgspec.Struct, kw_only=True):
    label: str
    count: int | float


class SummaryAnswer(msgspec.Struct, rename="camel", kw_only=True):
    """`nDaysMissing`: days that were not rolled up, and so count as 0 (but for games). `rolledUpAt`: the last rollup."""

    new_users: list[Point]
    games_opened: list[Point]
    points_earned: list[Point]
    actions_performed: list[Point]
    n_days_missing: int
    rolled_up_at: datetime | None


class LogsSummaryAnswer(msgspec.Struct, kw_only=True):
    """Entries of the audit trail, by level."""

    info: list[Point]
    warning: list[Point]
    error: list[Point]


class SummaryView(ApiView):
    @endpoint(
        name="getDashboardSummary",
        summary="New users, games opened, points earned and actions performed",
        tag=TAG,
        scope="read",
        answers={200: SummaryAnswer},
        details=DETAILS,
        parameters=PARAMETERS,
    )
    def get(self, request: Request) -> HttpResponse:
        found = dashboards.summarize(_span(self, request))
        return json_response(
            SummaryAnswer(
                new_users=_points(found.new_users),
                games_opened=_points(found.games_opened),
                points_earned=_points(found.points_earned),
                actions_performed=_points(found.actions_performed),
                n_days_missing=found.n_days_missing,
                rolled_up_at=found.rolled_up_at,
            )
        )


class LogsSummaryView(ApiView):
    @endpoint(
        name="getDashboardLogs",
        summary="How much was done to the realm, by level",
        tag=TAG,
        scope="read",
        answers={200: LogsSummaryAnswer},
        details=DETAILS,
        parameters=PARAMETERS,
    )
    def get(self, request: Request) -> HttpResponse:
        by_level = dashboards.count_logs(_span(self, request))
        return json_response(
            LogsSummaryAnswer(**{level: _points(found) for level, found in by_level.items()})
        )


def _span(view: ApiView, request: Request) -> Span:
    return read_span(view.realm, request.query_params, first="start_date", last="end_date")


def _points(by_label: Mapping[str, Number]) -> list[Point]:
    return [Point(label=label, count=json_number(Decimal(count))) for label, count in by_label.items()]
