"""What becomes of a strategy: published, rolled back, archived, cloned, imported."""

from typing import ClassVar

from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from rest_framework.request import Request

from gameproject.lib.body import Body, Line
from gameproject.lib.openapi import endpoint
from strategies import publishing
from strategies.api.base import ApiView, B, json_response
from strategies.api.strategy_answers import (
    STRATEGY_PARAMETER,
    TAG,
    VERSION_SCHEMA,
    StrategyAnswer,
    own_strategy,
    seen_strategy,
    strategy_answer,
    version_or_latest,
)
from strategies.models.tenancy import Scope


class ArchiveBody(Body):
    force: bool = False


class CloneBody(Body):
    """`version` is the one to copy: the draft or else the last published one if nothing is said."""

    name: Line | None = None
    version: int | None = None


class PublishView(ApiView):
    scopes: ClassVar[dict[str, str]] = {"POST": Scope.AUTHOR}

    @endpoint(
        name="publishStrategy",
        summary="Publish the draft; every request that begins afterwards is scored by it",
        tag=TAG,
        scope="author",
        answers={200: StrategyAnswer},
        errors={
            404: ["STRATEGY_NOT_FOUND"],
            409: ["NO_DRAFT", "STRATEGY_ARCHIVED", "STRATEGY_NOT_PUBLISHED", "STRATEGY_BUILT_IN"],
            422: ["PROGRAM_INVALID"],
        },
        parameters=[STRATEGY_PARAMETER],
        details=(
            "Moves `production` in one transaction: every request that begins afterwards, on any game"
            " or task that uses the strategy, is scored by the new version. The version is immutable "
            "from then on; a strategy that extends another is pinned to that one's production "
            "version.\n\n"
            "Warnings are kept with the version: the program's own, and `OVERRIDE_IGNORED` for each "
            "variable that games or tasks override with a value that no longer fits (at most 50; "
            "scoring uses the default then)."
        ),
    )
    def post(self, request: Request, strategy: str) -> HttpResponse:
        version = publishing.publish_strategy(strategy=own_strategy(self, strategy))
        return json_response(strategy_answer(version.strategy))


class RollbackView(ApiView):
    scopes: ClassVar[dict[str, str]] = {"POST": Scope.AUTHOR}

    @endpoint(
        name="rollBackStrategy",
        summary="Score by a version that was published before",
        tag=TAG,
        scope="author",
        answers={200: StrategyAnswer},
        errors={
            404: ["STRATEGY_NOT_FOUND", "VERSION_NOT_FOUND"],
            409: [
                "VERSION_NOT_PUBLISHED",
                "VERSION_IN_PRODUCTION",
                "STRATEGY_ARCHIVED",
                "STRATEGY_NOT_PUBLISHED",
                "STRATEGY_BUILT_IN",
            ],
            422: ["PROGRAM_INVALID"],
        },
        parameters=[
            STRATEGY_PARAMETER,
            OpenApiParameter(
                "version", VERSION_SCHEMA, OpenApiParameter.PATH, description="A published version's number."
            ),
        ],
        details=(
            "As at once as publishing. A draft stays as it is, and the next one still gets the next "
            "number; rolling forward again is the same call. An archived strategy stays archived."
        ),
    )
    def post(self, request: Request, strategy: str, version: int) -> HttpResponse:
        row = publishing.roll_back_strategy(strategy=own_strategy(self, strategy), number=version)
        return json_response(strategy_answer(row.strategy))


class ArchiveView(ApiView):
    scopes: ClassVar[dict[str, str]] = {"POST": Scope.AUTHOR}

    @endpoint(
        name="archiveStrategy",
        summary="Archive a strategy; it stops scoring at once",
        tag=TAG,
        scope="author",
        body=ArchiveBody,
        body_is_optional=True,
        answers={200: StrategyAnswer},
        errors={404: ["STRATEGY_NOT_FOUND"], 409: ["STRATEGY_IN_USE", "STRATEGY_BUILT_IN"]},
        parameters=[STRATEGY_PARAMETER],
        examples=[OpenApiExample("Although it is in use", value={"force": True}, request_only=True)],
        details=(
            "Events on games and tasks that use it are refused from then on (409 "
            "`STRATEGY_ARCHIVED`). Strategies that extend it go on scoring, as they are pinned to a "
            "version of it; to publish again they need another parent. Archiving again changes "
            "nothing. The body may be left out."
        ),
    )
    def post(self, request: Request, strategy: str) -> HttpResponse:
        body = _read_optional(self, ArchiveBody) or ArchiveBody()
        archived = publishing.archive_strategy(strategy=own_strategy(self, strategy), force=body.force)
        return json_response(strategy_answer(archived))


class CloneView(ApiView):
    scopes: ClassVar[dict[str, str]] = {"POST": Scope.AUTHOR}

    @endpoint(
        name="cloneStrategy",
        summary="Copy a strategy, built-in or custom, to a new draft",
        tag=TAG,
        scope="author",
        body=CloneBody,
        body_is_optional=True,
        answers={201: StrategyAnswer},
        errors={
            404: ["STRATEGY_NOT_FOUND", "VERSION_NOT_FOUND"],
            409: ["STRATEGY_ARCHIVED", "STRATEGY_NOT_PUBLISHED"],
            422: ["PROGRAM_INVALID"],
            503: ["UNAVAILABLE"],
        },
        parameters=[STRATEGY_PARAMETER],
        examples=[OpenApiExample("Named", value={"name": "Our own default"}, request_only=True)],
        details=(
            "Makes a strategy of its own from a custom or built-in one: same program, type and "
            "parent, as a draft. The name is `NAME (copy)` unless one is given (1 to 200 characters)."
            " The body may be left out."
        ),
    )
    def post(self, request: Request, strategy: str) -> HttpResponse:
        body = _read_optional(self, CloneBody) or CloneBody()
        source = seen_strategy(self, strategy)
        copy = publishing.clone_strategy(
            realm=self.realm, version=version_or_latest(source, body.version), name=body.name
        )
        return json_response(strategy_answer(copy.strategy), status=201)


def _read_optional(view: ApiView, body_type: type[B]) -> B | None:
    has_body = view.request.META.get("CONTENT_LENGTH") not in {None, "", "0"}
    return view.read(body_type) if has_body else None
