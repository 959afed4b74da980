"""The API's paths of kpi, under /api/v1/."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
