"""What the pages of a strategy share: who may see them, and errors as messages."""

import functools
import uuid
from collections.abc import Callable
from typing import Any, Final

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.template.response import TemplateResponse
from django.urls import reverse

from gameproject.lib.errors import DomainError
from strategies import selectors
from strategies.models import Strategy, StrategyVersion

VIEW: Final = "strategies.view_strategy"
CREATE: Final = "strategies.add_strategy"
WRITE: Final = "strategies.change_strategy"
OPERATE: Final = "strategies.operate_strategy"

View = Callable[..., HttpResponse]


def strategy_page(permission: str) -> Callable[[View], View]:
    """Make a page of a view of one strategy: 403 without the permission, a message where the view raises."""

    def decorate(view: View) -> View:
        @functools.wraps(view)
        def page(request: HttpRequest, pk: uuid.UUID, **kwargs: Any) -> HttpResponse:
            require(request, permission)
            strategy = get_object_or_404(Strategy.objects.select_related("realm", "parent"), pk=pk)
            try:
                return view(request, strategy, **kwargs)
            except DomainError as error:
                messages.error(request, error.message)
                return redirect(url("change", strategy))

        return page

    return decorate


def require(request: HttpRequest, permission: str) -> None:
    if not may(request, permission):
        raise PermissionDenied


def may(request: HttpRequest, permission: str) -> bool:
    """Whoever may change a strategy may look at it, as everywhere in the admin."""
    user = request.user
    return user.has_perm(permission) or (permission == VIEW and user.has_perm(WRITE))


def url(page: str, strategy: Strategy, **kwargs: object) -> str:
    if page == "change":
        return reverse("admin:strategies_strategy_change", args=[strategy.pk])
    return reverse(f"admin:strategies_strategy_{page}", kwargs={"pk": strategy.pk, **kwargs})


def render(
    request: HttpRequest, template: str, *, title: str, strategy: Strategy | None = None, **context: object
) -> TemplateResponse:
    return TemplateResponse(
        request,
        f"admin/strategies/strategy/{template}.html",
        {
            **admin.site.each_context(request),
            "opts": Strategy._meta,  # noqa: SLF001  # Django's own way
            "strategy": strategy,
            "is_own": strategy is not None and strategy.realm_id is not None,
            "may_create": may(request, CREATE),
            "may_write": may(request, WRITE),
            "may_operate": may(request, OPERATE),
            "title": title,
            **context,
        },
    )


def done(request: HttpRequest, strategy: Strategy, message: str, *, created: bool = False) -> None:
    """Tell the user, and the strategy's history."""
    messages.success(request, message)
    model_admin = admin.site.get_model_admin(Strategy)
    (model_admin.log_addition if created else model_admin.log_change)(request, strategy, message)


def created_already(request: HttpRequest, strategy_id: uuid.UUID) -> HttpResponse:
    """Lead to the strategy that the same form has made before."""
    messages.info(request, "The form was sent twice; the strategy was made once.")
    return redirect(url("change", get_object_or_404(Strategy, pk=strategy_id)))


def version_number(text: str | None) -> int:
    """Read a version's number; 0, which no version has, for anything else."""
    return int(text) if text and text.isascii() and text.isdecimal() and len(text) <= 10 else 0


def version_or_latest(strategy: Strategy, number: str | None) -> StrategyVersion:
    """Find the version that an address names, else the one that an author works on. Raises NotFound."""
    if not number:
        return selectors.latest_version(strategy)
    return selectors.version_by_number(strategy, version_number(number))


def status_of(strategy: Strategy, *, is_published: bool) -> str:
    if strategy.archived_at is not None:
        return "archived"
    return "published" if is_published else "draft only"
