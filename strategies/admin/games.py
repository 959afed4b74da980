from typing import TypeVar

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest

from gameproject.lib.admin import ReadOnlyAdmin
from strategies.models import Game, Player, Task

M = TypeVar("M", bound=Model)


class WithoutDelete(admin.ModelAdmin[M]):
    """Scores refer to these rows without a constraint, so nothing here may delete them."""

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False


@admin.register(Game)
class GameAdmin(WithoutDelete[Game]):
    list_display = ("external_id", "realm", "platform", "strategy", "time_zone", "created_at")
    list_filter = ("realm",)
    list_select_related = ("realm", "strategy")
    search_fields = ("=external_id",)
    autocomplete_fields = ("strategy",)
    readonly_fields = ("id", "created_at")


@admin.register(Task)
class TaskAdmin(WithoutDelete[Task]):
    list_display = ("external_id", "game", "status", "strategy", "created_at")
    list_filter = ("status", "realm")
    list_select_related = ("game", "strategy")
    search_fields = ("=external_id",)
    autocomplete_fields = ("game", "strategy")
    readonly_fields = ("id", "created_at")


@admin.register(Player)
class PlayerAdmin(ReadOnlyAdmin[Player]):
    list_display = ("external_id", "realm", "created_at")
    list_filter = ("realm",)
    list_select_related = ("realm",)
    search_fields = ("=external_id",)
    ordering = ("-id",)
