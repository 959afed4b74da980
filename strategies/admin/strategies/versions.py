"""A version: its program in words and as JSON, and a place to try it. Published ones never change."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse

from gameproject.lib.admin import ReadOnlyAdmin
from gameproject.lib.errors import DomainError
from strategies import publishing, selectors
from strategies.admin.strategies import simulating
from strategies.admin.strategies.json_text import write_json
from strategies.admin.strategies.overview import production_of
from strategies.admin.strategies.pages import VIEW, render, strategy_page
from strategies.admin.strategies.problems import problems_of, shown_problems
from strategies.admin.strategies.words import in_words
from strategies.models import Alias, Strategy, StrategyVersion


@strategy_page(VIEW)
def version_page(request: HttpRequest, strategy: Strategy, *, number: int) -> HttpResponse:
    version = selectors.version_by_number(strategy, number)
    alias = production_of(strategy)
    text = write_json(version.program)
    problems, program = shown_problems(version.problems, text), None
    try:
        program = publishing.program_of(version)
    except DomainError as error:
        problems = problems_of(error, text)
    return render(
        request,
        "version",
        title=f"{strategy.name}, version {number}",
        strategy=strategy,
        version=version,
        is_production=alias is not None and alias.version_id == version.pk,
        production=alias.version if alias else None,
        text=text,
        problems=problems,
        program=program,
        parts=in_words(program) if program else [],
        panel=simulating.panel(request, strategy, lambda: publishing.program_of(version)),
    )


@admin.register(StrategyVersion)
class StrategyVersionAdmin(ReadOnlyAdmin[StrategyVersion]):
    list_display = ("strategy", "number", "published_at", "digest", "created_at")
    list_select_related = ("strategy",)
    search_fields = ("strategy__slug", "=digest")
    ordering = ("-id",)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method == "POST":
            raise PermissionDenied
        version = self.get_object(request, object_id)
        if version is None:
            raise Http404
        return version_page(request, pk=version.strategy_id, number=version.number)


@admin.register(Alias)
class AliasAdmin(ReadOnlyAdmin[Alias]):
    list_display = ("strategy", "name", "version", "moved_at")
    list_select_related = ("strategy", "version__strategy")
    search_fields = ("strategy__slug",)
