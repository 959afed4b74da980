"""The admin's menu: grouped by what people do, not by the app that a model happens to live in."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.http import HttpRequest

# Models as the admin names them. What is not named here is shown all the same, in its app's own group.
MENU = {
    "Scoring": ("strategies.Score", "strategies.Game", "strategies.Task", "strategies.Player"),
    "Strategies": ("strategies.Strategy", "strategies.StrategyVersion", "strategies.Alias"),
    "How it goes": ("kpi.KpiMetrics",),
    "What happened": (
        *("observability.StrategyExecutionLog", "observability.ApiRequests", "observability.Logs"),
        *("observability.UptimeLogs", "observability.AuditChain"),
    ),
    "Access": ("strategies.Realm", "strategies.ApiKey", "auth.User", "auth.Group"),
}
App = dict[str, Any]


class ScoringAdminSite(admin.AdminSite):
    site_header = site_title = "Scoring service"
    index_title = "Home"
    site_url = None

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[App]:
        apps: list[App] = super().get_app_list(request, app_label)
        return apps if app_label else list(grouped(apps))


def grouped(apps: list[App]) -> Iterator[App]:
    """Put what a person may see in the menu's order."""
    left = {f"{app['app_label']}.{model['object_name']}": model for app in apps for model in app["models"]}
    for name, labels in MENU.items():
        models = [left.pop(label) for label in labels if label in left]
        if models:
            yield {"name": name, "app_label": name.lower(), "app_url": "", "models": models}
    for app in apps:
        models = [model for model in app["models"] if model in left.values()]
        if models:
            yield {**app, "models": models}
