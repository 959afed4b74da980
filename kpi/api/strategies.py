"""How strategies do, one alone and two side by side."""

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import msgspec
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from gameproject.lib.errors import BadRequest, Unavailable
from gameproject.lib.openapi import endpoint
from gameproject.lib.postgresql.timeouts import StatementTimeout, statement_timeout
from kpi import strategy_metrics
from kpi.api.daily import TAG
from kpi.api.queries import MAX_WINDOW, read_version, read_window
from kpi.strategy_answers import Comparison, StrategyMetrics
from kpi.strategy_metrics import Measured
from kpi.strategy_sources import Part
from strategies import selectors
from strategies.api.base import ApiView, json_response

A = TypeVar("A", bound=msgspec.Struct)
STATEMENT_TIMEOUT_SECONDS: Final = 5
TIME: Final = {"type": "string", "format": "date-time"}
WINDOW: Final = (
    OpenApiParameter(
        "since", TIME, description="ISO 8601 with a time zone; a week before `until`, if not given."
    ),
    OpenApiParameter("until", TIME, description="ISO 8601 with a time zone; now, if not given."),
)
DETAILS: Final = (
    f"A window of {MAX_WINDOW.days} days at most. Figures of the ledger are exact, figures of traces are weighted; each "
    "part names its source. Test events are left out. The histogram of points knows those of whole hours to three digits; of "
    "traces at most 8 MiB of failed runs and 8 MiB of others are read, of more a part by chance: `nRows` says how many."
)
ERRORS: Final = {404: ["STRATEGY_NOT_FOUND", "VERSION_NOT_FOUND"], 503: ["QUERY_TOO_WIDE"]}


class Named:
    """A strategy in a window, and what was read of it."""

    def __init__(self, view: ApiView, query: Mapping[str, str], name: str, version: int | None) -> None:
        since, until = read_window(query)
        strategy = selectors.strategy_by_name(view.principal.realm_id, name)
        row = None if version is None else selectors.version_by_number(strategy, version)
        self.slug, self.version = strategy.slug, version
        self.part = Part(view.principal.realm_id, strategy.pk, row.pk if row else None, since, until)

    def measure(self) -> Measured:
        return strategy_metrics.measure(self.part)

    def describe(self, measured: Measured) -> StrategyMetrics:
        return strategy_metrics.describe(self.part, measured, slug=self.slug, version=self.version)


class MetricsView(ApiView):
    @endpoint(
        name="getStrategyMetrics",
        summary="How a strategy does",
        tag=TAG,
        scope="read",
        answers={200: StrategyMetrics},
        errors=ERRORS,
        details=DETAILS,
        parameters=[
            OpenApiParameter(
                "version",
                {"type": "integer", "minimum": 1, "maximum": 999_999_999},
                description="All, if not given.",
            ),
            *WINDOW,
        ],
    )
    def get(self, request: Request, strategy: str) -> HttpResponse:
        query = request.query_params
        version = read_version("version", query["version"]) if "version" in query else None
        named = Named(self, query, strategy, version)
        return _answer(lambda: named.describe(named.measure()))


class CompareView(ApiView):
    @endpoint(
        name="compareStrategies",
        summary="Two strategies, or two versions of one, side by side",
        tag=TAG,
        scope="read",
        answers={200: Comparison},
        errors=ERRORS,
        details=DETAILS + " Differences are the second's minus the first's, with 95 % intervals.",
        parameters=[
            OpenApiParameter(
                "a", str, required=True, description="`{strategy}@{version}`, or a strategy alone."
            ),
            OpenApiParameter("b", str, required=True, description="The same for the second one."),
            *WINDOW,
        ],
    )
    def get(self, request: Request) -> HttpResponse:
        a, b = (_named(self, request.query_params, name) for name in ("a", "b"))
        return _answer(lambda: _compare(a, b))


def _named(view: ApiView, query: Mapping[str, str], name: str) -> Named:
    strategy, at, version = query.get(name, "").partition("@")
    if not strategy:
        raise BadRequest(f"{name} names a strategy and its version, such as minutes@2.", code="QUERY_INVALID")
    return Named(view, query, strategy, read_version(name, version) if at else None)


def _compare(a: Named, b: Named) -> Comparison:
    of_a, of_b = a.measure(), b.measure()
    return Comparison(
        a=a.describe(of_a), b=b.describe(of_b), differences=strategy_metrics.differences(of_a, of_b)
    )


def _answer(read: Callable[[], A]) -> HttpResponse:
    try:
        with statement_timeout(STATEMENT_TIMEOUT_SECONDS):
            return json_response(read())
    except StatementTimeout:
        raise Unavailable(
            "Too much had to be looked at. Name a shorter time.", code="QUERY_TOO_WIDE"
        ) from None
