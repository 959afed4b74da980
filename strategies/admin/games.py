"""Games, their tasks, and the players who do them: each page with its figures and its latest scores."""

from typing import Any, TypeVar

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.safestring import SafeString

from gameproject.lib.admin import BoundedPaginator, KeysetAdmin, KeysetFilters, badge, moment, one_line
from strategies.admin import figures
from strategies.admin.links import link_to, scores_url
from strategies.games import store_filled
from strategies.models import Game, Player, Realm, Task
from strategies.models.games import TaskStatus

M = TypeVar("M", bound=Model)


class OfOneRealmForm(forms.ModelForm[Any]):
    """A game or a task is scored by a strategy of its own realm, or by a built-in one."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        strategy, realm_id = cleaned.get("strategy"), self._realm_id(cleaned)
        if strategy is not None and realm_id is not None and strategy.realm_id not in (None, realm_id):
            self.add_error("strategy", "It belongs to another realm.")
        return cleaned

    def _realm_id(self, cleaned: dict[str, Any]) -> Any:
        owner = cleaned.get("realm") or cleaned.get("game")
        return self.instance.realm_id or (owner and getattr(owner, "realm_id", owner.pk))


class WithFigures(admin.ModelAdmin[M]):
    """A form with figures above it. Scores refer to these rows without a constraint: nothing may delete them."""

    form = OfOneRealmForm
    change_form_template = "admin/strategies/figures_form.html"
    show_full_result_count = False
    paginator = BoundedPaginator
    ordering = ("-id",)
    readonly_fields = ("id", "created_at")

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def save_model(self, request: HttpRequest, obj: Any, form: object, change: bool) -> None:  # noqa: FBT001  # Django's signature
        store_filled(obj)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        row = self.get_object(request, object_id)
        shown = {} if row is None else self.figures(row)
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown})

    def figures(self, row: M) -> dict[str, Any]:
        raise NotImplementedError

    @admin.display(description="External id", ordering="external_id")
    def called(self, row: Any) -> SafeString | str:
        return one_line(row.external_id)

    @admin.display(description="Created (UTC)", ordering="id")
    def made(self, row: Any) -> SafeString | str:
        return moment(row.created_at)


@admin.register(Game)
class GameAdmin(WithFigures[Game]):
    list_display = ("called", "of_realm", "on_platform", "scored_by", "made")
    list_filter = ("realm",)
    list_select_related = ("realm", "strategy")
    search_fields = ("=external_id",)
    search_help_text = "External id, exactly"

    def get_readonly_fields(self, request: HttpRequest, obj: Game | None = None) -> tuple[str, ...]:
        return ("id", "created_at", "realm") if obj else ("id", "created_at")

    def figures(self, row: Game) -> dict[str, Any]:
        url = scores_url(realm=row.realm.slug, game=row.pk, span="all")
        return {"figures": figures.of_game(row), "scores_url": url}

    @admin.display(description="Realm", ordering="realm__slug")
    def of_realm(self, game: Game) -> SafeString | str:
        return link_to(game.realm)

    @admin.display(description="Platform", ordering="platform")
    def on_platform(self, game: Game) -> SafeString | str:
        return one_line(game.platform)

    @admin.display(description="Strategy")
    def scored_by(self, game: Game) -> SafeString | str:
        return link_to(game.strategy)


@admin.register(Task)
class TaskAdmin(WithFigures[Task]):
    list_display = ("called", "of_game", "state", "scored_by", "made")
    list_filter = ("status", "realm")
    list_select_related = ("game__strategy", "strategy")
    search_fields = ("=external_id",)
    search_help_text = "External id, exactly"
    raw_id_fields = ("game",)
    exclude = ("realm",)

    def get_readonly_fields(self, request: HttpRequest, obj: Task | None = None) -> tuple[str, ...]:
        return ("id", "created_at", "game") if obj else ("id", "created_at")

    def save_model(self, request: HttpRequest, obj: Task, form: object, change: bool) -> None:  # noqa: FBT001  # Django's signature
        obj.realm = obj.game.realm
        super().save_model(request, obj, form, change)

    def figures(self, row: Task) -> dict[str, Any]:
        url = scores_url(realm=row.realm.slug, task=row.pk, span="all")
        return {"figures": figures.of_task(row), "scores_url": url}

    @admin.display(description="Game")
    def of_game(self, task: Task) -> SafeString | str:
        return link_to(task.game)

    @admin.display(description="Status", ordering="status")
    def state(self, task: Task) -> SafeString:
        return badge(task.get_status_display(), "good" if task.status == TaskStatus.OPEN else "calm")

    @admin.display(description="Strategy")
    def scored_by(self, task: Task) -> SafeString | str:
        return link_to(task.strategy or task.game.strategy)


class PlayerFilters(KeysetFilters):
    default_span = "all"
    realm = forms.ModelChoiceField(
        Realm.objects.order_by("slug"), to_field_name="slug", required=False, empty_label="any"
    )
    field_order = ("realm",)

    def by_looking(self, rows: QuerySet[M]) -> QuerySet[M]:
        realm = self.cleaned_data["realm"]
        return rows.filter(realm=realm) if realm else rows


@admin.register(Player)
class PlayerAdmin(KeysetAdmin[Player]):
    """Players are made by their first score; their figures stand on their page."""

    change_form_template = "admin/strategies/figures_form.html"
    list_display = ("called", "of_realm", "seen")
    filters = PlayerFilters
    fields = ("external_id", "realm", "id", "created_at")
    search_help_text = "A player's external id, exactly"

    def find(self, rows: QuerySet[Player], term: str) -> QuerySet[Player]:
        realms = list(Realm.objects.values_list("pk", flat=True))
        return rows.none() if "\0" in term else rows.filter(realm__in=realms, external_id=term)

    def with_columns(self, rows: QuerySet[Player]) -> QuerySet[Player]:
        return rows.select_related("realm")

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        player = self.get_object(request, object_id)
        shown: dict[str, Any] = {}
        if player is not None:
            url = scores_url(realm=player.realm.slug, player=player.external_id, span="all")
            shown = {"figures": figures.of_player(player), "scores_url": url}
        return super().change_view(request, object_id, form_url, {**(extra_context or {}), **shown})

    @admin.display(description="External id")
    def called(self, player: Player) -> SafeString | str:
        return one_line(player.external_id)

    @admin.display(description="Realm")
    def of_realm(self, player: Player) -> SafeString | str:
        return link_to(player.realm)

    @admin.display(description="First seen (UTC)")
    def seen(self, player: Player) -> SafeString | str:
        return moment(player.created_at)
