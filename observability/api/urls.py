"""The API's paths of observability, under /api/v1/."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
