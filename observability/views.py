"""Liveness and readiness, for balancers and orchestrators. No key: they say nothing about anybody."""

from django.http import HttpRequest, JsonResponse

from observability import health


def healthz(_request: HttpRequest) -> JsonResponse:
    """Answer that the process serves requests, whatever its dependencies do."""
    return JsonResponse({"status": "ok"})


def readyz(_request: HttpRequest) -> JsonResponse:
    """Answer 200 if every dependency is there, else 503 with the reason."""
    found = health.checks()
    ready = all(check.ok for check in found)
    body = {
        "status": "ok" if ready else "unavailable",
        "dependencies": {
            check.name: {"ok": check.ok, "milliseconds": check.milliseconds, "reason": check.reason}
            for check in found
        },
    }
    return JsonResponse(body, status=200 if ready else 503)
