from django.contrib import admin

from gameproject.lib.admin import ReadOnlyAdmin
from strategies.models import Alias, Strategy, StrategyVersion


@admin.register(Strategy)
class StrategyAdmin(ReadOnlyAdmin[Strategy]):
    """Strategies are written through the API, which validates, pins and publishes."""

    list_display = ("slug", "name", "realm", "type", "parent", "archived_at", "created_at")
    list_filter = ("realm", "type")
    list_select_related = ("realm", "parent")
    search_fields = ("slug", "name")
    ordering = ("slug",)


@admin.register(StrategyVersion)
class StrategyVersionAdmin(ReadOnlyAdmin[StrategyVersion]):
    list_display = ("strategy", "number", "published_at", "digest", "created_at")
    list_select_related = ("strategy",)
    search_fields = ("strategy__slug", "=digest")
    ordering = ("-id",)


@admin.register(Alias)
class AliasAdmin(ReadOnlyAdmin[Alias]):
    list_display = ("strategy", "name", "version", "moved_at")
    list_select_related = ("strategy", "version__strategy")
    search_fields = ("strategy__slug",)
