"""The API's paths of observability, under /api/v1/."""

from django.urls import path

from observability.api import executions, logs

urlpatterns = [
    path("executions", executions.ExecutionsView.as_view()),
    path("executions/<uuid:execution>", executions.ExecutionView.as_view()),
    path("executions/<uuid:execution>/replay", executions.ReplayView.as_view()),
    path("logs", logs.LogsView.as_view()),
    path("traces", executions.TracesView.as_view()),
]
