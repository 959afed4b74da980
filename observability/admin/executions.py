"""The trace browser: runs that were kept, each with its way through the program, and run again."""

import uuid
from collections.abc import Mapping
from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from gameproject.lib.admin import badge, moment, one_line, points
from gameproject.lib.admin.exports import ExportingAdmin
from gameproject.lib.errors import DomainError
from observability import audit, executions, replaying
from observability.admin.execution_filters import ExecutionFilters, find_executions
from observability.admin.execution_page import ExecutionPage
from observability.models import StrategyExecutionLog
from observability.replaying import Replay
from observability.sampling import Kind
from strategies.admin.score_filters import is_uuid
from strategies.models import Strategy

KIND_BADGES = {Kind.ERROR: "bad", Kind.SLOW: "warn", Kind.SAMPLED: "calm"}
OUTCOME_BADGES = {"award": "good", "no_award": "calm", "veto": "warn"}


def result_badge(execution: StrategyExecutionLog) -> SafeString:
    if execution.outcome is None:
        return badge(execution.code or execution.status, "bad")
    return badge(execution.outcome.replace("_", " "), OUTCOME_BADGES[execution.outcome])  # type: ignore[arg-type]  # a kind


class ReplayForm(forms.Form):
    version = forms.IntegerField(min_value=1, max_value=2**31 - 1)


@admin.register(StrategyExecutionLog)
class ExecutionAdmin(ExportingAdmin[StrategyExecutionLog]):
    change_list_template = "admin/observability/execution_list.html"
    list_display = ("at", "result", "count_points", "who", "for_task", "case", "by", "count_ms", "kept_as")
    list_display_links = ("at",)
    filters = ExecutionFilters
    search_help_text = "Execution, score or request id, player, task or game, exactly"
    export_columns = (
        *("id", "created_at", "realm", "game", "task", "player", "strategy", "version", "alias", "status"),
        *("outcome", "points", "case", "code", "node_id", "path", "duration_seconds", "nodes", "kind"),
        *("weight", "is_test", "score_id", "request_id", "facts", "data", "variables"),
    )

    def find(self, rows: QuerySet[StrategyExecutionLog], term: str) -> QuerySet[StrategyExecutionLog]:
        return find_executions(rows, term)

    def with_columns(self, rows: QuerySet[StrategyExecutionLog]) -> QuerySet[StrategyExecutionLog]:
        return executions.with_names(rows.defer(*executions.LARGE))

    @admin.display(description="Time (UTC)")
    def at(self, execution: StrategyExecutionLog) -> SafeString | str:
        return moment(execution.created_at)

    @admin.display(description="Result")
    def result(self, execution: StrategyExecutionLog) -> SafeString:
        shown = result_badge(execution)
        return format_html("{} {}", shown, badge("test")) if execution.is_test else shown

    @admin.display(description="Points")
    def count_points(self, execution: StrategyExecutionLog) -> str:
        return points(execution.points)

    @admin.display(description="Player")
    def who(self, execution: StrategyExecutionLog) -> SafeString | str:
        return one_line(execution.external_user_id)

    @admin.display(description="Task")
    def for_task(self, execution: StrategyExecutionLog) -> SafeString | str:
        return one_line(named(execution, "task_name"))

    @admin.display(description="Case")
    def case(self, execution: StrategyExecutionLog) -> SafeString | str:
        return one_line(execution.case_name)

    @admin.display(description="By")
    def by(self, execution: StrategyExecutionLog) -> SafeString | str:
        return one_line(f"{named(execution, 'strategy_slug')} v{named(execution, 'version_number')}")

    @admin.display(description="ms")
    def count_ms(self, execution: StrategyExecutionLog) -> str:
        return f"{execution.duration_seconds * 1000:,.1f}"

    @admin.display(description="Kept as")
    def kept_as(self, execution: StrategyExecutionLog) -> SafeString:
        return badge(execution.kind, KIND_BADGES[Kind(execution.kind)])  # type: ignore[arg-type]  # a kind

    # Taken away

    def rows_to_export(self, rows: QuerySet[StrategyExecutionLog]) -> QuerySet[StrategyExecutionLog]:
        return executions.with_names(rows)

    def export_values(self, row: StrategyExecutionLog) -> Mapping[str, object]:
        names = {
            "realm": named(row, "realm_slug"),
            "strategy": named(row, "strategy_slug"),
            "version": named(row, "version_number"),
            "game": named(row, "game_name"),
            "task": named(row, "task_name"),
            "player": row.external_user_id,
            "case": row.case_name,
            "trace": row.trace,
            "n_cut": row.n_cut,
        }
        of_row = {name: getattr(row, name) for name in self.export_columns if name not in names}
        return {**of_row, **names}

    def record_export(self, request: HttpRequest, what: Mapping[str, Any]) -> None:
        audit.record(
            event="executions.exported",
            message=f"Executions exported as {what['format']}",
            realm_id=None,
            module="executions",
            **what,
        )

    # The page of one execution

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.replay_view)
        ours = [path("<uuid:pk>/replay/", view, name="observability_strategyexecutionlog_replay")]
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
        return self._page(request, self._execution(request, object_id))

    def replay_view(self, request: HttpRequest, pk: uuid.UUID) -> HttpResponse:
        execution = self._execution(request, str(pk))
        form = ReplayForm(request.POST)
        if request.method != "POST" or not form.is_valid():
            return redirect("admin:observability_strategyexecutionlog_change", execution.pk)
        strategy = Strategy.objects.get(pk=execution.strategy_id)
        versions = strategy.versions.select_related("strategy__realm", "strategy__parent")
        version = versions.filter(number=form.cleaned_data["version"]).first()
        if version is None:
            raise Http404
        try:
            return self._page(request, execution, replaying.replay(execution, version))
        except DomainError as error:
            return self._page(request, execution, error=error)

    def _page(
        self,
        request: HttpRequest,
        execution: StrategyExecutionLog,
        replay: Replay | None = None,
        error: DomainError | None = None,
    ) -> HttpResponse:
        page = ExecutionPage(execution, replay)
        context = {
            **self.admin_site.each_context(request),
            "title": "Execution",
            "page": page,
            "execution": execution,
            "result": result_badge(execution),
            "replay": replay,
            "error": error,
            "opts": self.opts,
        }
        return TemplateResponse(request, "admin/observability/execution_page.html", context)

    def _execution(self, request: HttpRequest, pk: str) -> StrategyExecutionLog:
        """Find an execution for a person who may see it. Raises PermissionDenied and Http404."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        found = executions.with_names(executions.by_id(uuid.UUID(pk))).first() if is_uuid(pk) else None
        if found is None:
            raise Http404
        return found


def named(execution: StrategyExecutionLog, name: str) -> object:
    """Return a name that `executions.with_names` has read."""
    return getattr(execution, name)
