"""What observability does at the edge of a request."""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from observability import observer, request_metrics, request_records


class RequestRecordMiddleware:
    """Note and count every request with its answer and its time, and see to the traces of its runs."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        observer.begin_request()
        response = self.get_response(request)
        observer.end_request(response)
        request_metrics.count(request, response, time.perf_counter() - started)
        request_records.note(request, response, started)
        return response
