"""Liveness, readiness and metrics, for balancers, orchestrators and Prometheus. No API key: they know none."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse

from observability import health, metrics_access, metrics_text


def healthz(_request: HttpRequest) -> JsonResponse:
    """Answer that the process serves requests, whatever its dependencies do."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> JsonResponse:
    """Answer 200 if every dependency is there, else 503 with the reason; `?for=scoring`: if what scoring needs is there."""
    found = health.checks_for_scoring() if request.GET.get("for") == "scoring" else health.checks()
    ready = all(check.ok for check in found)
    body = {
        "status": "ok" if ready else "unavailable",
        "dependencies": {
            check.name: {"ok": check.ok, "milliseconds": check.milliseconds, "reason": check.reason}
            for check in found
        },
    }
    return JsonResponse(body, status=200 if ready else 503)


def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with all metrics, to who has the token or comes from an allowed network."""
    if not settings.METRICS_ENABLED:
        raise Http404
    meta = request.META
    if not metrics_access.may_read(
        authorization=meta.get("HTTP_AUTHORIZATION", ""), address=meta.get("REMOTE_ADDR", "")
    ):
        return HttpResponse(metrics_access.REFUSAL, status=403, content_type="text/plain")
    return HttpResponse(metrics_text.of_all_processes(), content_type=metrics_text.CONTENT_TYPE)
