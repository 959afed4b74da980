"""One request on one screen, and the search that leads there."""

from collections.abc import Iterator
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse

from gameproject.lib.admin.search import Hit, finder, may_see
from observability import executions, requests
from observability.models import ApiRequests, Logs, StrategyExecutionLog
from strategies.admin.links import page_of
from strategies.admin.score_filters import is_uuid
from strategies.models import Score


def request_page(request: HttpRequest, request_id: str) -> HttpResponse:
    """Show scores, executions, audit rows and the record of a request, or why there is nothing."""
    if not may_see(request, StrategyExecutionLog):
        raise PermissionDenied
    told = requests.told_of(request_id[:64].replace("\0", ""))
    context = {
        **admin.site.each_context(request),
        "title": "Request",
        "told": told,
        "why_untraced": list(requests.why_untraced(told.scores, told.executions)),
        "sample_kept_days": executions.SAMPLES_KEPT_DAYS,
        "max_rows": requests.MAX_ROWS,
    }
    return TemplateResponse(request, "admin/observability/request_page.html", context)


@finder
def find(request: HttpRequest, term: str) -> Iterator[Hit]:
    """Yield a failed run by its id (others are found as their scores), and a request by what it left."""
    if not may_see(request, StrategyExecutionLog):
        return
    if is_uuid(term):
        failed = executions.by_id(UUID(term)).filter(is_error=True).only("pk").first()
        if failed is not None:
            yield Hit("failed run", term, page_of(failed))
    left_by = (Score, StrategyExecutionLog, Logs, ApiRequests)
    if any(model._default_manager.filter(request_id=term).exists() for model in left_by):  # noqa: SLF001  # Django's documented way
        yield Hit("request", term, reverse("request", args=(term,)))
