"""The versions of a strategy, and what differs between two of them."""

import uuid
from typing import Any

import msgspec
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from gameproject.lib import api, clock
from gameproject.lib.openapi import endpoint
from strategies import diffing, dsl, selectors
from strategies.api.base import ApiView, json_response
from strategies.api.pages import PAGE_PARAMETERS
from strategies.api.strategy_answers import (
    STRATEGY_PARAMETER,
    TAG,
    VERSION_SCHEMA,
    CostAnswer,
    PinnedAnswer,
    pinned_answer,
    read_version_number,
    seen_strategy,
)
from strategies.models import Alias, Strategy, StrategyVersion
from strategies.models.strategies import PRODUCTION


class VersionAnswer(msgspec.Struct, rename="camel", kw_only=True):
    version: int
    status: str
    is_production: bool
    digest: str
    parent_version: PinnedAnswer | None
    warnings: list[dict[str, Any]]
    created_at: str
    published_at: str | None


class VersionDetailAnswer(VersionAnswer, rename="camel", kw_only=True):
    ast_json: dict[str, Any]
    cost: CostAnswer


class VersionPage(msgspec.Struct, rename="camel"):
    items: list[VersionAnswer]
    next_cursor: str | None


class ComparedAnswer(msgspec.Struct, rename="camel", kw_only=True):
    version: int
    digest: str
    parent_version: PinnedAnswer | None


class DetailAnswer(msgspec.Struct, kw_only=True):
    path: str
    before: Any
    after: Any


class ChangeAnswer(msgspec.Struct, rename="camel", kw_only=True):
    """`change` is added, removed, changed or moved; `path` is that in b, or in a for what was removed."""

    section: str
    change: str
    path: str
    path_before: str | None
    path_after: str | None
    moved: bool
    label: str
    before: Any
    after: Any
    details: list[DetailAnswer]


class DiffAnswer(msgspec.Struct, kw_only=True):
    a: ComparedAnswer
    b: ComparedAnswer
    changes: list[ChangeAnswer]


class VersionsView(ApiView):
    @endpoint(
        name="listVersions",
        summary="List a strategy's versions, newest first",
        tag=TAG,
        scope="read",
        answers={200: VersionPage},
        errors={404: ["STRATEGY_NOT_FOUND"]},
        parameters=[STRATEGY_PARAMETER, *PAGE_PARAMETERS],
        details=(
            "A draft is DRAFT, everything else PUBLISHED; `isProduction` marks the one that scores. "
            "The programs are in `/versions/{version}`."
        ),
    )
    def get(self, request: Request, strategy: str) -> Response:
        row = seen_strategy(self, strategy)
        versions = row.versions.select_related("parent_version__strategy")
        production = _production_id(row)
        return api.page(
            request,
            versions.defer("program", "parent_version__program"),
            lambda version: _version_answer(version, production),
        )


class VersionView(ApiView):
    @endpoint(
        name="getVersion",
        summary="One version of a strategy, with its program",
        tag=TAG,
        scope="read",
        answers={200: VersionDetailAnswer},
        errors={404: ["STRATEGY_NOT_FOUND", "VERSION_NOT_FOUND"]},
        parameters=[STRATEGY_PARAMETER, OpenApiParameter("version", VERSION_SCHEMA, OpenApiParameter.PATH)],
    )
    def get(self, request: Request, strategy: str, version: int) -> HttpResponse:
        row = seen_strategy(self, strategy)
        found = selectors.version_by_number(row, version)
        answer: dict[str, Any] = msgspec.structs.asdict(_version_answer(found, _production_id(row)))
        return json_response(
            VersionDetailAnswer(**answer, ast_json=found.program, cost=CostAnswer(**found.cost))
        )


class DiffView(ApiView):
    @endpoint(
        name="diffVersions",
        summary="What differs between two versions",
        tag=TAG,
        scope="read",
        answers={200: DiffAnswer},
        errors={404: ["STRATEGY_NOT_FOUND", "VERSION_NOT_FOUND"]},
        parameters=[
            STRATEGY_PARAMETER,
            OpenApiParameter(
                "a", VERSION_SCHEMA, required=True, description="The number of the version before."
            ),
            OpenApiParameter(
                "b", VERSION_SCHEMA, required=True, description="The number of the version after."
            ),
        ],
        details=(
            "Rule by rule, in the order of a run: `added`, `removed`, `changed` (with the values that differ inside "
            f"it, at most {diffing.MAX_DETAILS}), `moved`; then the declarations. Sections: `pre_rules`, `rules`, "
            "`default`, `post_rules`, `variables`, `inputs`, `parent_variables`, `program`. Rules correspond by "
            "`id`, else by being equal, else by likeness. A version of the same program but pinned to another "
            "parent shows in `parentVersion`."
        ),
    )
    def get(self, request: Request, strategy: str) -> HttpResponse:
        numbers = [read_version_number(request, name) for name in ("a", "b")]
        row = seen_strategy(self, strategy)
        a, b = (selectors.version_by_number(row, number) for number in numbers)
        changes = diffing.diff(a.program, b.program, kind=dsl.Kind(row.type))
        return json_response(
            DiffAnswer(
                a=_compared_answer(a),
                b=_compared_answer(b),
                changes=[_change_answer(each) for each in changes],
            )
        )


def _production_id(strategy: Strategy) -> uuid.UUID | None:
    aliases = Alias.objects.filter(strategy=strategy, name=PRODUCTION)
    return aliases.values_list("version_id", flat=True).first()


def _version_answer(version: StrategyVersion, production: uuid.UUID | None) -> VersionAnswer:
    return VersionAnswer(
        version=version.number,
        status="DRAFT" if version.published_at is None else "PUBLISHED",
        is_production=version.pk == production,
        digest=version.digest,
        parent_version=pinned_answer(version.parent_version),
        warnings=[problem for problem in version.problems if problem["severity"] == dsl.Severity.WARNING],
        created_at=clock.iso(version.created_at),
        published_at=clock.iso(version.published_at) if version.published_at else None,
    )


def _compared_answer(version: StrategyVersion) -> ComparedAnswer:
    return ComparedAnswer(
        version=version.number, digest=version.digest, parent_version=pinned_answer(version.parent_version)
    )


def _change_answer(change: diffing.Change) -> ChangeAnswer:
    return ChangeAnswer(
        section=change.section,
        change=str(change.kind),
        path=change.path_after or change.path_before or "",
        path_before=change.path_before,
        path_after=change.path_after,
        moved=change.moved,
        label=change.label,
        before=change.before,
        after=change.after,
        details=[
            DetailAnswer(path=each.path, before=each.before, after=each.after) for each in change.details
        ],
    )
