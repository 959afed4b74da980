"""Strategies: built-in and custom, created and edited, validated; the field catalogue."""

from typing import Any, ClassVar

import msgspec
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from gameproject.lib import api
from gameproject.lib.body import Body, Line, Text
from gameproject.lib.errors import BadRequest, JsonDict
from gameproject.lib.openapi import endpoint
from strategies import dsl, publishing, selectors
from strategies.api.base import ApiView, json_response
from strategies.api.pages import PAGE_PARAMETERS
from strategies.api.strategy_answers import (
    FIVE_POINTS,
    TAG,
    CostAnswer,
    KindName,
    StrategyAnswer,
    StrategyPage,
    own_strategy,
    parent_strategy,
    read_kind,
    seen_strategy,
    shown,
    strategy_answer,
)
from strategies.models import Strategy
from strategies.models.strategies import PRODUCTION
from strategies.models.tenancy import Scope


class StrategyBody(Body):
    name: Line
    type: KindName
    ast_json: object
    description: Text = ""
    parent_strategy_id: Line | None = None


class EditBody(Body):
    ast_json: object
    name: Line | None = None
    description: Text | None = None
    parent_strategy_id: Line | None = None


class ValidateBody(Body):
    type: KindName
    ast_json: object
    parent_strategy_id: Line | None = None


class ValidationAnswer(msgspec.Struct, kw_only=True):
    valid: bool
    problems: list[dict[str, Any]]
    cost: CostAnswer | None
    digest: str | None


class FieldsAnswer(msgspec.Struct, kw_only=True):
    items: list[dict[str, Any]]


class StrategiesView(ApiView):
    @endpoint(
        name="listStrategies",
        summary="List all strategies, the built-in ones among them",
        tag=TAG,
        scope="read",
        answers={200: StrategyPage},
        parameters=PAGE_PARAMETERS,
        details=("Each with the version that an author works on: the draft, or else the last published one."),
    )
    def get(self, request: Request) -> Response:
        seen = selectors.strategies_seen_by(self.principal.realm_id)
        return api.page(request, shown(seen), strategy_answer)


class FieldsView(ApiView):
    @endpoint(
        name="listFields",
        summary="The facts that a program may read",
        tag=TAG,
        scope="read",
        answers={200: FieldsAnswer},
        details="The catalogue that validation goes by: path, type, meaning, cost.",
    )
    def get(self, request: Request) -> Response:
        return Response({"items": dsl.field_catalogue()})


class StrategyView(ApiView):
    @endpoint(
        name="getStrategy",
        summary="A strategy, built-in or custom",
        tag=TAG,
        scope="read",
        answers={200: StrategyAnswer},
        errors={404: ["STRATEGY_NOT_FOUND"]},
        details="The realm's own by UUID or slug, or a built-in one.",
    )
    def get(self, request: Request, strategy: str) -> HttpResponse:
        return json_response(strategy_answer(seen_strategy(self, strategy)))


class CustomStrategiesView(ApiView):
    scopes: ClassVar[dict[str, str]] = {"POST": Scope.AUTHOR}

    @endpoint(
        name="createStrategy",
        summary="Create a strategy, as a draft",
        tag=TAG,
        scope="author",
        body=StrategyBody,
        answers={201: StrategyAnswer},
        errors={
            400: ["PARENT_MISSING", "PARENT_NOT_ALLOWED"],
            404: ["STRATEGY_NOT_FOUND"],
            409: ["STRATEGY_ARCHIVED", "STRATEGY_NOT_PUBLISHED"],
            422: ["PROGRAM_INVALID"],
            503: ["UNAVAILABLE"],
        },
        examples=[
            OpenApiExample(
                "Always five points",
                value={"name": "Five points", "type": "DSL_FULL", "astJson": FIVE_POINTS},
                request_only=True,
            )
        ],
        details=(
            "The slug is made of the name, with a number where it is taken. `FULL` and `EXTEND` are "
            "read as `DSL_FULL` and `DSL_EXTEND`; the latter needs `parentStrategyId`, a published "
            "strategy of the realm or a built-in one; chains are at most 4 deep. A program has at "
            "most 1000 nodes, a depth of 32 and 64 KiB as canonical JSON."
        ),
    )
    def post(self, request: Request) -> HttpResponse:
        body = self.read(StrategyBody)
        version = publishing.create_strategy(
            realm=self.realm,
            name=body.name,
            description=body.description,
            kind=read_kind(body.type),
            parent=parent_strategy(self, body.parent_strategy_id),
            program=body.ast_json,
        )
        return json_response(strategy_answer(version.strategy), status=201)

    @endpoint(
        name="listCustomStrategies",
        summary="List the realm's own strategies, newest first",
        tag=TAG,
        scope="read",
        answers={200: StrategyPage},
        errors={400: ["BODY_INVALID"]},
        parameters=[
            *PAGE_PARAMETERS,
            OpenApiParameter("status", str, enum=["DRAFT", "PUBLISHED", "ARCHIVED"]),
            OpenApiParameter("type", str, enum=["DSL_FULL", "DSL_EXTEND"]),
        ],
        details=(
            "`status` goes by what each shows: DRAFT has a draft, whatever is published beside it; "
            "PUBLISHED has a version in production."
        ),
    )
    def get(self, request: Request) -> Response:
        rows = Strategy.objects.filter(realm_id=self.principal.realm_id)
        status = request.query_params.get("status")
        if status is not None:
            rows = rows.filter(**_status_filter(status))
        kind = request.query_params.get("type")
        if kind is not None:
            rows = rows.filter(type=read_kind(kind).value)
        return api.page(request, shown(rows.distinct()), strategy_answer)


class CustomStrategyView(ApiView):
    scopes: ClassVar[dict[str, str]] = {"PUT": Scope.AUTHOR}

    @endpoint(
        name="getCustomStrategy",
        summary="A strategy with its draft, or else its last published version",
        tag=TAG,
        scope="read",
        answers={200: StrategyAnswer},
        errors={404: ["STRATEGY_NOT_FOUND"]},
        details="A built-in one can be read here too.",
    )
    def get(self, request: Request, strategy: str) -> HttpResponse:
        return json_response(strategy_answer(seen_strategy(self, strategy)))

    @endpoint(
        name="editStrategy",
        summary="Edit the draft, or begin the next one",
        tag=TAG,
        scope="author",
        body=EditBody,
        answers={200: StrategyAnswer},
        errors={
            400: ["PARENT_MISSING", "PARENT_NOT_ALLOWED", "PARENT_CYCLE"],
            404: ["STRATEGY_NOT_FOUND"],
            409: ["STRATEGY_ARCHIVED", "STRATEGY_NOT_PUBLISHED", "STRATEGY_BUILT_IN"],
            422: ["PROGRAM_INVALID"],
        },
        examples=[OpenApiExample("Always five points", value={"astJson": FIVE_POINTS}, request_only=True)],
        details=(
            "Changes the draft in place; where the last version is published, begins the next one. "
            "Nothing is scored by it until it is published. What is left out stays; name and "
            "description are the strategy's and change at once. A program has at most 1000 nodes, a "
            "depth of 32 and 64 KiB as canonical JSON."
        ),
    )
    def put(self, request: Request, strategy: str) -> HttpResponse:
        body = self.read(EditBody)
        version = publishing.edit_strategy(
            strategy=own_strategy(self, strategy),
            program=body.ast_json,
            name=body.name,
            description=body.description,
            parent=parent_strategy(self, body.parent_strategy_id),
        )
        return json_response(strategy_answer(version.strategy))


class ValidateView(ApiView):
    scopes: ClassVar[dict[str, str]] = {"POST": Scope.AUTHOR}

    @endpoint(
        name="validateProgram",
        summary="Validate a program without storing it",
        tag=TAG,
        scope="author",
        body=ValidateBody,
        answers={200: ValidationAnswer},
        errors={
            400: ["PARENT_MISSING", "PARENT_NOT_ALLOWED"],
            404: ["STRATEGY_NOT_FOUND"],
            409: ["STRATEGY_ARCHIVED", "STRATEGY_NOT_PUBLISHED"],
        },
        examples=[
            OpenApiExample(
                "Always five points", value={"type": "DSL_FULL", "astJson": FIVE_POINTS}, request_only=True
            )
        ],
        details=(
            "All problems at once, each with code, message, path and severity: errors block saving, "
            "warnings do not. A program has at most 1000 nodes, a depth of 32 and 64 KiB as canonical"
            " JSON."
        ),
    )
    def post(self, request: Request) -> HttpResponse:
        body = self.read(ValidateBody)
        validation = publishing.validate(
            realm=self.realm,
            kind=read_kind(body.type),
            parent=parent_strategy(self, body.parent_strategy_id),
            program=body.ast_json,
        )
        return json_response(
            ValidationAnswer(
                valid=validation.valid,
                problems=publishing.problems_json(validation),
                cost=CostAnswer(**publishing.cost_json(validation.cost)) if validation.cost else None,  # type: ignore[arg-type]  # the same keys
                digest=validation.digest,
            )
        )


def _status_filter(status: str) -> JsonDict:
    """Name what `_status` shows: a strategy with a draft is one, whatever is published beside it."""
    filters: dict[str, JsonDict] = {
        "ARCHIVED": {"archived_at__isnull": False},
        "DRAFT": {"archived_at": None, "versions__published_at": None},
        "PUBLISHED": {"archived_at": None, "aliases__name": PRODUCTION},
    }
    if status not in filters:
        raise BadRequest("status is one of DRAFT, PUBLISHED, ARCHIVED.", code="QUERY_INVALID")
    return filters[status]
