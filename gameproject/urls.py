"""Every path of the service."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from observability.views import healthz, readyz
from strategies.admin.search import search


def favicon(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  # every view takes it
    """Answer browsers that ask for it unasked: on pages that are not ours to give a <link> to."""
    return redirect(static("gameproject/favicon.svg"))


urlpatterns = [
    path("", RedirectView.as_view(url="/admin/")),
    path("favicon.ico", favicon),
    path("healthz", healthz),
    path("readyz", readyz),
    path("api/v1/", include("strategies.api.urls")),
    path("api/v1/", include("observability.api.urls")),
    path("api/v1/", include("kpi.api.urls")),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerSplitView.as_view(url_name="schema"), name="docs"),
    path("admin/search/", admin.site.admin_view(search), name="search"),
    path("admin/", admin.site.urls),
]
handler400 = "gameproject.errors.bad_request"
handler403 = "gameproject.errors.permission_denied"
handler404 = "gameproject.errors.not_found"
handler500 = "gameproject.errors.server_error"
