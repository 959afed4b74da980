"""What observability does at the edge of a request."""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from gameproject.lib import handover
from observability import observer, request_metrics, request_records


class RequestRecordMiddleware:
    """Note and count every request with its answer and its time, and see to the traces of its runs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = handover.started(request.META)
        observer.begin_request()
        response = self.get_response(request)
        if observer.end_request():
            # Not the signal `request_finished`: it would cost every request what only a few need.
            response._resource_closers.append(observer.hand_over)  # type: ignore[attr-defined]  # noqa: SLF001  # as FileResponse does
        request_metrics.count(request, response, time.perf_counter() - started)
        request_records.note(request, response, started)
        return response
