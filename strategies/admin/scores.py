"""The ledger: found, explained, taken back."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from gameproject.lib.admin import KeysetAdmin, badge, moment, one_line, points
from strategies.admin.links import link_to
from strategies.admin.score_filters import ScoreFilters, find_scores, is_uuid
from strategies.admin.score_page import ScorePage
from strategies.admin.taking_back import take_back
from strategies.models import Score
from strategies.models.scores import Outcome

OUTCOME_KINDS = {
    Outcome.AWARD: "good",
    Outcome.NO_AWARD: "calm",
    Outcome.VETO: "warn",
    Outcome.REVERSAL: "bad",
}


def outcome_badge(score: Score) -> SafeString:
    return badge(score.get_outcome_display(), OUTCOME_KINDS[Outcome(score.outcome)])  # type: ignore[arg-type]  # a kind


@admin.register(Score)
class ScoreAdmin(KeysetAdmin[Score]):
    list_display = ("at", "gave", "who", "for_task", "case", "result", "by")
    list_display_links = ("at",)
    filters = ScoreFilters
    search_help_text = "Score id, request id, idempotency key or player, exactly"

    def find(self, rows: QuerySet[Score], term: str) -> QuerySet[Score]:
        return find_scores(rows, term)

    def with_columns(self, rows: QuerySet[Score]) -> QuerySet[Score]:
        rows = rows.select_related("player", "task", "game", "strategy", "strategy_version")
        # By the index of what was reversed; the page's rows only.
        rows = rows.annotate(is_reversed=Exists(Score.objects.filter(reverses=OuterRef("pk"))))
        return rows.only(
            *("created_at", "points", "outcome", "case_name", "is_test"),
            *("player__external_id", "task__external_id", "game__external_id"),
            *("strategy__slug", "strategy_version__number"),
        )

    @admin.display(description="Time (UTC)")
    def at(self, score: Score) -> SafeString | str:
        return moment(score.created_at)

    @admin.display(description="Player")
    def who(self, score: Score) -> SafeString | str:
        return link_to(score.player)

    @admin.display(description="Task")
    def for_task(self, score: Score) -> SafeString | str:
        return one_line(score.task)

    @admin.display(description="Points")
    def gave(self, score: Score) -> str:
        return points(score.points)

    @admin.display(description="Outcome")
    def result(self, score: Score) -> SafeString:
        if getattr(score, "is_reversed", False):
            return format_html("{} {}", outcome_badge(score), badge("taken back", "bad"))
        return (
            format_html("{} {}", outcome_badge(score), badge("test"))
            if score.is_test
            else outcome_badge(score)
        )

    @admin.display(description="Case")
    def case(self, score: Score) -> SafeString | str:
        return one_line(score.case_name)

    @admin.display(description="By")
    def by(self, score: Score) -> SafeString | str:
        return one_line(f"{score.strategy.slug} v{score.strategy_version.number}")

    # The page of one score

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.take_back_view)
        ours = [path("<uuid:pk>/take-back/", view, name="strategies_score_take_back")]
        return ours + super().get_urls()

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method not in ("GET", "HEAD"):
            raise PermissionDenied
        page = ScorePage(self._score(request, object_id))
        context = {
            **self.admin_site.each_context(request),
            "title": "Score",
            "page": page,
            "score": page.score,
            "outcome": outcome_badge(page.score),
            "may_take_back": page.may_be_taken_back and request.user.has_perm("strategies.reverse_score"),
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/strategies/score_page.html", context)

    def take_back_view(self, request: HttpRequest, pk: object) -> HttpResponse:
        if not request.user.has_perm("strategies.reverse_score"):
            raise PermissionDenied
        return take_back(self, request, self._score(request, str(pk)))

    def _score(self, request: HttpRequest, pk: str) -> Score:
        """Find a score for a person who may see it. Raises PermissionDenied and Http404."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        rows = self.get_queryset(request).select_related(
            "realm", "game", "task", "player", "strategy", "strategy_version__strategy", "reverses"
        )
        score = rows.filter(pk=pk).first() if is_uuid(pk) else None
        if score is None:
            raise Http404
        return score
