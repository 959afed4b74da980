"""Every path of the service."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from gameproject.lib.admin.search import search
from kpi.api.urls import before_strategies
from observability.admin.dead_letters import dead_letters_page
from observability.admin.requests import request_page
from observability.views import healthz, metrics, readyz
from strategies.api.urls import hot_path


def favicon(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  # every view takes it
    """Answer browsers that ask for it unasked: on pages that are not ours to give a <link> to."""
    return redirect(static("gameproject/favicon.svg"))


urlpatterns = [
    hot_path,
    path("api/v1/", include(before_strategies)),
    path("api/v1/", include("strategies.api.urls")),
    path("api/v1/", include("observability.api.urls")),
    path("api/v1/", include("kpi.api.urls")),
    path("", RedirectView.as_view(url="/admin/")),
    path("favicon.ico", favicon),
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("admin/search/", admin.site.admin_view(search), name="search"),
    path("admin/observability/request/<str:request_id>", admin.site.admin_view(request_page), name="request"),
    path("admin/observability/put-aside/", admin.site.admin_view(dead_letters_page), name="dead_letters"),
    path("admin/kpi/", include("kpi.admin.urls")),
    path("admin/", admin.site.urls),
]
handler400 = "gameproject.errors.bad_request"
handler403 = "observability.refusals.permission_denied"
handler404 = "gameproject.errors.not_found"
handler500 = "gameproject.errors.server_error"
