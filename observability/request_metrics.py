"""Count how requests of the API and the admin end, and how long they take."""

import functools
from typing import Final

from django.http import HttpRequest, HttpResponse

from gameproject.lib.tallies import Counter, Histogram
from observability import metrics
from observability.request_records import ADMIN, API, METHODS, SCORING_ROUTES, template_of

NO_ROUTE: Final = "none"  # a path that is none of ours: what people ask for is not to become a label


@functools.lru_cache(1000)
def _series(route: str, method: str, status_class: str) -> tuple[Counter, Histogram]:
    return metrics.HTTP_REQUESTS.labels(route, method, status_class), metrics.HTTP_DURATION.labels(route)


# Present at 0 from the start: a share of nothing is no figure, and an alert on a missing series never fires.
for _route in SCORING_ROUTES:
    for _status_class in ("2xx", "4xx", "5xx"):
        _series(_route, "POST", _status_class)


def count(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    """Count a request that has been answered; probes, scrapes and static files are none."""
    path = request.path_info
    if path.startswith(API):
        match = request.resolver_match
        route = template_of(match.route) if match else NO_ROUTE
    elif path.startswith(ADMIN):
        route = ADMIN  # its pages are for people: one figure for all of them
    else:
        return
    observe(route, request.method or "", response.status_code, seconds)


def observe(route: str, method: str, status: int, seconds: float) -> None:
    requests, duration = _series(route, method if method in METHODS else "OTHER", f"{status // 100}xx")
    requests.inc()
    duration.observe(seconds)
