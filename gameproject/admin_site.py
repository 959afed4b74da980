"""The admin's menu: grouped by what people do, not by the app that a model happens to live in."""

from collections.abc import Iterator
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse

from observability.staff_logins import LoginForm

# Models and pages as the admin names them. What is not named here is shown all the same, in its app's own group.
MENU = {
    "Scoring": ("strategies.Score", "strategies.Game", "strategies.Task", "strategies.Player"),
    "Strategies": ("strategies.Strategy", "strategies.StrategyVersion", "strategies.Alias"),
    "How it goes": ("kpi.Objectives", "kpi.KpiMetrics"),
    "What happened": (
        *("observability.StrategyExecutionLog", "observability.ApiRequests", "observability.Logs"),
        *("observability.UptimeLogs", "observability.AuditChain"),
    ),
    "Access": ("strategies.Realm", "strategies.ApiKey", "auth.User", "auth.Group"),
}
# Pages that are no model's list: the name, the view's, and what one must be allowed.
PAGES = {"kpi.Objectives": ("Objectives", "objectives", "kpi.view_kpimetrics")}
App = dict[str, Any]


class ScoringAdminSite(admin.AdminSite):
    site_header = site_title = "Scoring service"
    index_title = "Home"
    site_url = None
    login_form = LoginForm

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[App]:
        apps: list[App] = super().get_app_list(request, app_label)
        return apps if app_label else list(grouped(apps, pages_for(request)))


def pages_for(request: HttpRequest) -> dict[str, App]:
    """Return the pages that a person may see, as the menu's lines."""
    return {
        label: {"name": name, "object_name": name, "admin_url": reverse(view)}
        for label, (name, view, permission) in PAGES.items()
        if request.user.has_perm(permission)
    }


def grouped(apps: list[App], pages: dict[str, App]) -> Iterator[App]:
    """Put what a person may see in the menu's order."""
    left = {f"{app['app_label']}.{model['object_name']}": model for app in apps for model in app["models"]}
    left |= pages
    for name, labels in MENU.items():
        models = [left.pop(label) for label in labels if label in left]
        if models:
            yield {"name": name, "app_label": name.lower(), "app_url": "", "models": models}
    for app in apps:
        models = [model for model in app["models"] if model in left.values()]
        if models:
            yield {**app, "models": models}
