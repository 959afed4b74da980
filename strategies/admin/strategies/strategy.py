"""The list of strategies, and the addresses of all their pages."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import F, IntegerField, OuterRef, QuerySet, Subquery
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path
from django.utils.html import format_html
from django.utils.safestring import SafeString

from gameproject.lib.admin import BoundedPaginator
from strategies.admin.strategies import actions, difference, documents, editor, overview, versions
from strategies.admin.strategies.pages import status_of
from strategies.models import Alias, Game, Strategy, StrategyVersion, Task
from strategies.models.strategies import PRODUCTION

MAX_COUNTED = 1000
BADGES = {"published": "is-good", "draft only": "is-warn", "archived": ""}

PRODUCTION_NUMBER = Alias.objects.filter(strategy=OuterRef("pk"), name=PRODUCTION).values("version__number")
DRAFT_NUMBER = StrategyVersion.objects.filter(strategy=OuterRef("pk"), published_at=None).values("number")
GAMES = Game.objects.filter(strategy=OuterRef("pk"))
TASKS = Task.objects.filter(strategy=OuterRef("pk"))
INHERITING_TASKS = Task.objects.filter(strategy=None, game__strategy=OuterRef("pk"))


class CountUpTo(Subquery):
    """Count rows to a thousand and no further: a busy game's tasks take longer than the page."""

    template = "(SELECT count(*) FROM (%(subquery)s) AS counted)"

    def __init__(self, rows: QuerySet[Any]) -> None:
        super().__init__(rows.values("pk")[: MAX_COUNTED + 1], output_field=IntegerField())


class StatusFilter(admin.SimpleListFilter):
    title = "status"
    parameter_name = "status"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [("published", "Published"), ("draft", "With a draft"), ("archived", "Archived")]

    def queryset(self, request: HttpRequest, queryset: "QuerySet[Strategy]") -> "QuerySet[Strategy]":
        match self.value():
            case "published":
                return queryset.filter(archived_at=None, aliases__name=PRODUCTION)
            case "draft":
                return queryset.filter(archived_at=None, versions__published_at=None)
            case "archived":
                return queryset.filter(archived_at__isnull=False)
        return queryset


class RealmFilter(admin.RelatedFieldListFilter):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.empty_value_display = SafeString("built-in")


@admin.register(Strategy)
class StrategyAdmin(admin.ModelAdmin[Strategy]):
    """Strategies are written, tried and published on pages of their own, by the functions that the API uses."""

    list_display = ("slug", "name", "status", "production", "draft", "used_by", "type", "realm_name")
    list_filter = (StatusFilter, ("realm", RealmFilter), "type")
    list_select_related = ("realm",)
    search_fields = ("slug", "name")
    ordering = ("slug",)
    list_per_page = 50
    show_full_result_count = False
    paginator = BoundedPaginator

    class Media:
        css = {"all": ("strategies/strategy.css",)}

    def get_queryset(self, request: HttpRequest) -> "QuerySet[Strategy]":
        return (
            super()
            .get_queryset(request)
            .annotate(
                production=Subquery(PRODUCTION_NUMBER[:1]),
                draft=Subquery(DRAFT_NUMBER[:1]),
                n_games=CountUpTo(GAMES),
                n_tasks=CountUpTo(TASKS),
                n_inheriting=CountUpTo(INHERITING_TASKS),
            )
        )

    def get_search_results(
        self, request: HttpRequest, queryset: "QuerySet[Strategy]", search_term: str
    ) -> "tuple[QuerySet[Strategy], bool]":
        """PostgreSQL refuses a NUL."""
        return super().get_search_results(request, queryset, search_term.replace("\0", ""))

    # ── Columns ──────────────────────────────────────────────────────────────────────────────────
    @admin.display(description="Status")
    def status(self, strategy: Any) -> SafeString:
        status = status_of(strategy, is_published=strategy.production is not None)
        return format_html('<span class="badge {}">{}</span>', BADGES[status], status)

    @admin.display(description="In production", ordering=F("production").desc(nulls_last=True))
    def production(self, strategy: Any) -> str:
        return f"v{strategy.production}" if strategy.production else "–"

    @admin.display(description="Draft")
    def draft(self, strategy: Any) -> str:
        return f"v{strategy.draft}" if strategy.draft else "–"

    @admin.display(description="Used by")
    def used_by(self, strategy: Any) -> str:
        counts = [(strategy.n_games, "game"), (strategy.n_tasks + strategy.n_inheriting, "task")]
        return ", ".join(_counted(n, noun) for n, noun in counts if n) or "–"

    @admin.display(description="Realm", ordering="realm__slug")
    def realm_name(self, strategy: Strategy) -> str:
        return strategy.realm.slug if strategy.realm else "built-in"

    # ── Pages ────────────────────────────────────────────────────────────────────────────────────
    def get_urls(self) -> "list[URLResolver | URLPattern]":  # type: ignore[override]  # both kinds, as Django's own has
        pages = {
            "import/": ("import", documents.import_document),
            "check/": ("check_new", editor.check_new),
            "<uuid:pk>/check/": ("check", editor.check),
            "<uuid:pk>/edit/": ("edit", editor.edit),
            "<uuid:pk>/versions/<int:number>/": ("version", versions.version_page),
            "<uuid:pk>/difference/": ("difference", difference.difference),
            "<uuid:pk>/export/": ("export", documents.export),
            "<uuid:pk>/clone/": ("clone", actions.clone),
            "<uuid:pk>/publish/": ("publish", actions.publish),
            "<uuid:pk>/rollback/": ("rollback", actions.roll_back),
            "<uuid:pk>/archive/": ("archive", actions.archive),
        }
        own = [
            path(route, self.admin_site.admin_view(view), name=f"strategies_strategy_{name}")
            for route, (name, view) in pages.items()
        ]
        return [*own, *super().get_urls()]

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        return editor.create(request)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        if request.method == "POST":
            raise PermissionDenied
        strategy = self.get_object(request, object_id)
        if strategy is None:
            raise Http404
        return overview.overview(request, pk=strategy.pk)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False  # scores refer to it; it can be archived


def _counted(n: int, noun: str) -> str:
    number = f"{MAX_COUNTED:,}+" if n > MAX_COUNTED else f"{n:,}"
    return f"{number}\N{NO-BREAK SPACE}{noun}{'' if n == 1 else 's'}"
