"""The page of a strategy: its state, its versions, what rests on it, what was done to it."""

from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from strategies import programs, usage
from strategies.admin.strategies.pages import VIEW, render, status_of, strategy_page
from strategies.models import Alias, Strategy, StrategyVersion
from strategies.models.strategies import PRODUCTION

N_VERSIONS = 20
N_HISTORY = 20


@strategy_page(VIEW)
def overview(request: HttpRequest, strategy: Strategy) -> HttpResponse:
    alias = production_of(strategy)
    production = alias.version if alias else None
    versions = list(shown_versions(strategy)[: N_VERSIONS + 1])
    shows_all = "all" in request.GET or len(versions) <= N_VERSIONS
    if shows_all and len(versions) > N_VERSIONS:
        versions = list(shown_versions(strategy))
    overrides = usage.overrides_of(strategy, programs.load(production.pk).program) if production else []
    return render(
        request,
        "overview",
        title=strategy.name,
        strategy=strategy,
        status=status_of(strategy, is_published=production is not None),
        alias=alias,
        production=production,
        draft=versions[0] if versions[0].published_at is None else None,  # the newest, if there is one
        versions=versions if shows_all else versions[:N_VERSIONS],
        shows_all=shows_all,
        usage=usage.usage_of(strategy, realm_id=strategy.realm_id),
        overrides=overrides,
        history=history_of(strategy),
    )


def production_of(strategy: Strategy) -> Alias | None:
    """Find what a strategy scores by, an archived one's too."""
    aliases = Alias.objects.filter(strategy=strategy, name=PRODUCTION)
    return aliases.select_related("version").defer("version__program").first()


def shown_versions(strategy: Strategy) -> QuerySet[StrategyVersion]:
    rows = strategy.versions.select_related("parent_version__strategy").order_by("-number")
    return rows.defer("program", "parent_version__program")


def history_of(strategy: Strategy) -> "QuerySet[LogEntry]":
    """List what was done in the admin; what came through the API is in the versions alone."""
    entries = LogEntry.objects.filter(
        content_type=ContentType.objects.get_for_model(Strategy), object_id=str(strategy.pk)
    )
    return entries.select_related("user").order_by("-action_time")[:N_HISTORY]
