"""How the service is, for those who have a key: what it needs, and how much of today that was there."""

from datetime import datetime
from typing import Literal

import msgspec
from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request

from gameproject.lib import clock
from gameproject.lib.openapi import endpoint
from observability import health, uptime
from observability.health import Check
from strategies.api.base import ApiView, json_response


class DependencyHealth(msgspec.Struct, rename="camel", kw_only=True):
    """`uptimeToday`: the share of today's minutes (UTC) with a sign of life; null before the first one."""

    status: Literal["up", "down"]
    milliseconds: float
    reason: str | None
    uptime_today: float | None


class HealthAnswer(msgspec.Struct, rename="camel", kw_only=True):
    """`degraded`: events are scored, but traces, records and rollups may wait or be lost."""

    status: Literal["ok", "degraded"]
    version: str
    checked_at: str
    dependencies: dict[str, DependencyHealth]


class HealthCheckView(ApiView):
    @endpoint(
        name="checkHealth",
        summary="The health of the service",
        tag="Operating",
        scope="read",
        answers={200: HealthAnswer},
        details=(
            "Each dependency as it is now: `database`, `broker`, and `worker` and `beat` by the heartbeat that beat "
            "sends through the broker to a worker once a minute. Without the database there is no answer but 503; "
            "`/readyz` needs no key and says why."
        ),
    )
    def get(self, request: Request) -> HttpResponse:
        now = clock.now()
        found = {check.name: _dependency(check, now) for check in health.all_checks()}
        well = all(each.status == "up" for each in found.values())
        return json_response(
            HealthAnswer(
                status="ok" if well else "degraded",
                version=settings.VERSION,
                checked_at=clock.iso(now),
                dependencies=found,
            )
        )


def _dependency(check: Check, now: datetime) -> DependencyHealth:
    return DependencyHealth(
        status="up" if check.ok else "down",
        milliseconds=check.milliseconds,
        reason=check.reason,
        uptime_today=uptime.share(check.name, now.date(), now),
    )
