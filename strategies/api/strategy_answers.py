"""A strategy as the API shows it, and the names in a request turned into rows."""

import re
import uuid
from typing import Annotated, Any, Final

import msgspec
from django.db.models import Prefetch, QuerySet, prefetch_related_objects
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from gameproject.lib import clock
from gameproject.lib.errors import BadRequest
from strategies import dsl, selectors
from strategies.api.base import ApiView
from strategies.models import Alias, Strategy, StrategyVersion
from strategies.models.strategies import PRODUCTION

TAG: Final = "Strategies"
VERSION_NUMBER: Final = re.compile(r"[0-9]{1,10}")
VERSION_SCHEMA: Final = {"type": "integer", "minimum": 1, "maximum": 2**31 - 1}
# Read by `read_kind`, which takes GAME's names too.
KindName = Annotated[
    str, msgspec.Meta(extra_json_schema={"enum": ["DSL_FULL", "DSL_EXTEND", "FULL", "EXTEND"]})
]
STRATEGY_PARAMETER: Final = OpenApiParameter(
    "strategy", str, OpenApiParameter.PATH, description="A strategy's UUID or slug."
)

FIVE_POINTS: Final = {
    "type": "program",
    "rules": [],
    "default": {"type": "assign_points", "value": {"type": "literal", "value": 5}, "case_name": "Done"},
}


class PinnedAnswer(msgspec.Struct, rename="camel", kw_only=True):
    """The version of the parent that a published version is pinned to."""

    strategy_id: str
    version: int


class CostAnswer(msgspec.Struct, kw_only=True):
    nodes: int = 0
    depth: int = 0
    fields: list[str] = []


class StrategyAnswer(msgspec.Struct, rename="camel", kw_only=True):
    """A strategy with the version that an author works on: the draft, or else the last published one."""

    id: uuid.UUID
    strategy_id: str
    name: str
    description: str
    type: str
    parent_strategy_id: str | None
    built_in: bool
    version: int
    status: str
    production_version: int | None
    ast_json: dict[str, Any]
    digest: str
    problems: list[dict[str, Any]]
    cost: CostAnswer
    created_at: str
    published_at: str | None


class StrategyPage(msgspec.Struct, rename="camel"):
    items: list[StrategyAnswer]
    next_cursor: str | None


def strategy_answer(strategy: Strategy) -> StrategyAnswer:
    # Two queries, and none for the rows of `shown`.
    prefetch_related_objects([strategy], *_shown_parts())
    version = strategy.versions.all()[0]
    production = next((alias.version.number for alias in strategy.aliases.all()), None)
    return StrategyAnswer(
        id=strategy.pk,
        strategy_id=strategy.slug,
        name=strategy.name,
        description=strategy.description,
        type=strategy.type,
        parent_strategy_id=strategy.parent.slug if strategy.parent else None,
        built_in=strategy.realm_id is None,
        version=version.number,
        status=_status(strategy, version),
        production_version=production,
        ast_json=version.program,
        digest=version.digest,
        problems=version.problems,
        cost=CostAnswer(**version.cost),
        created_at=clock.iso(version.created_at),
        published_at=clock.iso(version.published_at) if version.published_at else None,
    )


def shown(strategies: QuerySet[Strategy]) -> QuerySet[Strategy]:
    """Fetch what `strategy_answer` needs with the rows: two queries a page. `versions` is the latest one only."""
    return strategies.select_related("parent").prefetch_related(*_shown_parts())


def _shown_parts() -> tuple[Prefetch[str], Prefetch[str]]:
    latest = StrategyVersion.objects.order_by("strategy_id", "-number").distinct("strategy_id")
    production = Alias.objects.filter(name=PRODUCTION).select_related("version")
    return (
        Prefetch("versions", queryset=latest),
        Prefetch("aliases", queryset=production.defer("version__program")),
    )


def pinned_answer(version: StrategyVersion | None) -> PinnedAnswer | None:
    return (
        None if version is None else PinnedAnswer(strategy_id=version.strategy.slug, version=version.number)
    )


def _status(strategy: Strategy, version: StrategyVersion) -> str:
    if strategy.archived_at is not None:
        return "ARCHIVED"
    return "DRAFT" if version.published_at is None else "PUBLISHED"


def read_kind(text: str) -> dsl.Kind:
    try:
        return dsl.Kind.parse(text)
    except ValueError:
        raise BadRequest(
            "type is DSL_FULL or DSL_EXTEND.",
            code="BODY_INVALID",
            problems=[{"code": "VALUE_INVALID", "message": "Not a type of strategy.", "pointer": "/type"}],
        ) from None


def own_strategy(view: ApiView, name: str) -> Strategy:
    """Find a strategy to write to. Raises NotFound, and Conflict for a built-in one."""
    return selectors.own_strategy_by_name(view.principal.realm_id, name)


def seen_strategy(view: ApiView, name: str) -> Strategy:
    """Find a strategy to read, built-in or custom. Raises NotFound."""
    return selectors.strategy_by_name(view.principal.realm_id, name)


def parent_strategy(view: ApiView, name: str | None) -> Strategy | None:
    return None if name is None else seen_strategy(view, name)


def version_or_latest(strategy: Strategy, number: int | None) -> StrategyVersion:
    """Find a version, the one that an author works on if none is named. Raises NotFound."""
    if number is None:
        return selectors.latest_version(strategy)
    return selectors.version_by_number(strategy, number)


def read_version_number(request: Request, name: str) -> int:
    given = request.query_params.get(name, "")
    if not VERSION_NUMBER.fullmatch(given):
        raise BadRequest(f"{name} must be the number of a version.", code="QUERY_INVALID")
    return int(given)
