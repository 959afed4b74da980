"""Every path of the service."""

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerView

from observability.views import healthz, readyz

admin.site.site_header = admin.site.site_title = "Scoring service"
admin.site.index_title = "What is there"

urlpatterns = [
    path("", RedirectView.as_view(url="/admin/")),
    path("healthz", healthz),
    path("readyz", readyz),
    path("api/v1/", include("strategies.api.urls")),
    path("api/schema", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs", SpectacularSwaggerView.as_view(url_name="schema"), name="docs"),
    path("admin/", admin.site.urls),
]
handler404 = "gameproject.errors.not_found"
handler500 = "gameproject.errors.server_error"
