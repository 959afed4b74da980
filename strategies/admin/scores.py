import contextlib
import uuid

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from gameproject.lib.admin import ReadOnlyAdmin
from strategies.explaining import Explanation
from strategies.models import PlayerGameStats, PlayerTaskStats, Score, TaskStats


@admin.register(Score)
class ScoreAdmin(ReadOnlyAdmin[Score]):
    # No id: it takes the width that points and case need, and the first column leads to the page as well.
    list_display = ("created_at", "player", "task", "points", "case_name", "outcome", "strategy", "is_test")
    list_filter = ("outcome", "realm", "is_test")
    list_select_related = ("player", "task", "strategy")
    search_fields = ("=request_id", "=id")
    search_help_text = "A score's id or a request id"
    ordering = ("-id",)
    list_per_page = 50
    readonly_fields = ("explanation",)
    fieldsets = (
        (None, {"fields": ("explanation",)}),
        (
            "What happened",
            {"fields": ("created_at", "player", "game", "task", "outcome", "points", "case_name", "bonuses")},
        ),
        ("By which version", {"fields": ("strategy", "strategy_version", "parent_version", "alias")}),
        ("On what", {"fields": ("facts", "data", "variables", "callback_data")}),
        (
            "The request",
            {
                "fields": (
                    *("id", "realm", "request_id", "idempotency_key", "session_key", "occurred_at"),
                    *("is_test", "created_player", "reverses", "reason", "fallback", "experiment_arm"),
                )
            },
        ),
    )

    class Media:
        css = {"all": ("strategies/explanation.css",)}

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Score]", search_term: str
    ) -> "tuple[QuerySet[Score], bool]":
        """Match exactly: a search inside two million rows is not one."""
        term = search_term.strip()
        if not term or "\0" in term:
            return (queryset.none() if term else queryset), False
        with contextlib.suppress(ValueError):
            by_id = queryset.filter(pk=uuid.UUID(term))
            if by_id.exists():
                return by_id, False
        return queryset.filter(request_id=term), False

    @admin.display(description="Why")
    def explanation(self, score: Score) -> SafeString:
        explained = Explanation(score)
        return render_to_string(
            "admin/strategies/explanation.html", {"explained": explained, "tree": explained.tree()}
        )


@admin.register(PlayerGameStats)
class PlayerGameStatsAdmin(ReadOnlyAdmin[PlayerGameStats]):
    list_display = ("player", "game", "n_scores", "points_total", "streak_days", "last_day")
    list_select_related = ("player", "game")
    ordering = ("-id",)


@admin.register(PlayerTaskStats)
class PlayerTaskStatsAdmin(ReadOnlyAdmin[PlayerTaskStats]):
    list_display = ("player", "task", "n_scores", "n_awards", "points_total", "first_at", "last_at")
    list_select_related = ("player", "task")
    ordering = ("-id",)


@admin.register(TaskStats)
class TaskStatsAdmin(ReadOnlyAdmin[TaskStats]):
    list_display = ("task", "slot", "n_scores", "n_awards", "points_total", "first_at", "last_at")
    list_select_related = ("task",)
    ordering = ("-id",)
