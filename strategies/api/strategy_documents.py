"""Strategies as documents: exported, imported, shipped as templates."""

from typing import Any, ClassVar

import msgspec
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from gameproject.lib import clock
from gameproject.lib.body import Body, Line, Text
from gameproject.lib.errors import BadRequest
from gameproject.lib.openapi import endpoint
from strategies import dsl, importing
from strategies.api.base import ApiView, json_response
from strategies.api.strategy_answers import (
    FIVE_POINTS,
    STRATEGY_PARAMETER,
    TAG,
    VERSION_SCHEMA,
    CostAnswer,
    StrategyAnswer,
    parent_strategy,
    read_version_number,
    seen_strategy,
    strategy_answer,
    version_or_latest,
)
from strategies.importing import Document, OnConflict
from strategies.models.tenancy import Scope


class ImportBody(Body):
    """An export of ours (it has a `format`), or one of GAME's. What only describes the origin is not read."""

    name: Line
    ast_json: object
    type: str = "DSL_FULL"
    description: Text | None = None
    parent_strategy_id: Line | None = None
    format: str | None = None
    strategy_id: str | None = None
    digest: str | None = None
    version: object = None
    exported_at: object = None
    # GAME's alone
    blockly_xml: object = None
    experiment_tag: object = None
    exported_from_version: object = None
    id: object = None
    realm_id: object = None
    status: object = None
    created_by: object = None
    created_at: object = msgspec.field(name="created_at", default=None)
    updated_at: object = msgspec.field(name="updated_at", default=None)
    published_at: object = None

    def document(self) -> Document:
        kept_nowhere = {"blocklyXml": self.blockly_xml, "experimentTag": self.experiment_tag}
        return Document(
            name=self.name,
            type=self.type,
            program=self.ast_json,
            description=self.description or "",
            parent=self.parent_strategy_id,
            slug=self.strategy_id or "",
            digest=self.digest,
            format=self.format,
            dropped=[part for part, value in kept_nowhere.items() if value not in (None, "")],
        )


class NoteAnswer(msgspec.Struct, kw_only=True):
    """`IMPORT_PART_DROPPED`, `IMPORT_RENAMED` or `IMPORT_DIGEST_DIFFERS`; the pointer is into the document."""

    code: str
    message: str
    pointer: str


class ImportAnswer(StrategyAnswer, rename="camel", kw_only=True):
    notes: list[NoteAnswer]


class ExportAnswer(msgspec.Struct, rename="camel", kw_only=True):
    """A document for `POST /strategies/custom/import`. `format` changes when its shape does."""

    format: str
    exported_at: str
    strategy_id: str
    name: str
    description: str
    type: str
    parent_strategy_id: str | None
    version: int
    digest: str
    ast_json: dict[str, Any]


class TemplateAnswer(msgspec.Struct, rename="camel", kw_only=True):
    id: str
    name: str
    description: str
    type: str
    parent_strategy_id: str | None
    ast_json: dict[str, Any]
    digest: str
    cost: CostAnswer


class TemplatesAnswer(msgspec.Struct, kw_only=True):
    items: list[TemplateAnswer]


class ImportView(ApiView):
    scopes: ClassVar[dict[str, str]] = {"POST": Scope.AUTHOR}

    @endpoint(
        name="importStrategy",
        summary="Make a draft of an exported strategy, ours or GAME's",
        tag=TAG,
        scope="author",
        body=ImportBody,
        answers={200: ImportAnswer, 201: ImportAnswer},
        errors={
            400: ["IMPORT_FORMAT_UNKNOWN", "PARENT_MISSING", "PARENT_NOT_ALLOWED", "PARENT_CYCLE"],
            404: ["STRATEGY_NOT_FOUND"],
            409: [
                "STRATEGY_EXISTS",
                "STRATEGY_TYPE_DIFFERS",
                "STRATEGY_BUILT_IN",
                "STRATEGY_ARCHIVED",
                "STRATEGY_NOT_PUBLISHED",
            ],
            422: ["PROGRAM_INVALID", "IMPORT_TYPE_UNKNOWN", "IMPORT_PARENT_UNKNOWN"],
            503: ["UNAVAILABLE"],
        },
        parameters=[
            OpenApiParameter(
                "onConflict",
                str,
                enum=list(OnConflict),
                default=OnConflict.RENAME,
                description="Where a strategy of this slug is there: `rename` takes the next free slug, `refuse` "
                "answers 409, `edit` makes it that strategy's draft.",
            ),
            OpenApiParameter(
                "parent", str, description="UUID or slug of a parent in place of the document's."
            ),
        ],
        examples=[
            OpenApiExample(
                "Our own format",
                value={
                    "format": importing.FORMAT,
                    "strategyId": "five-points",
                    "name": "Five points",
                    "type": "DSL_FULL",
                    "astJson": FIVE_POINTS,
                },
                request_only=True,
            ),
            OpenApiExample(
                "An export of GAME",
                value={
                    "name": "Five points",
                    "description": None,
                    "type": "DSL_FULL",
                    "parentStrategyId": None,
                    "astJson": FIVE_POINTS,
                    "blocklyXml": "<xml></xml>",
                    "exportedAt": "2026-05-18T10:00:00.000Z",
                    "exportedFromVersion": 3,
                },
                request_only=True,
            ),
        ],
        details=(
            "The body is a document of `GET /strategies/custom/{strategy}/export`, or what the GAME "
            "engine exports (the file of its dashboard, or its API's answer). It becomes a draft; "
            "importing what was exported gives the same digest. Up to 1 MiB; the program's own limits"
            " hold as everywhere.\n\n"
            "`notes` says what was not kept or differs: `IMPORT_PART_DROPPED` (GAME's `blocklyXml` "
            "and `experimentTag`), `IMPORT_RENAMED`, `IMPORT_DIGEST_DIFFERS` (the program was changed"
            " after the export).\n\n"
            "GAME's parents `default` and `constantEffortStrategy` are the built-in ones here. 200 is"
            " the answer where an existing strategy was edited."
        ),
    )
    def post(self, request: Request) -> HttpResponse:
        on_conflict = _on_conflict(request.query_params.get("onConflict"))
        parent = parent_strategy(self, request.query_params.get("parent"))
        body = self.read(ImportBody)
        imported = importing.import_strategy(
            realm=self.realm, document=body.document(), on_conflict=on_conflict, parent=parent
        )
        strategy: dict[str, Any] = msgspec.structs.asdict(strategy_answer(imported.version.strategy))
        notes = [
            NoteAnswer(code=note.code, message=note.message, pointer=note.pointer) for note in imported.notes
        ]
        return json_response(ImportAnswer(**strategy, notes=notes), status=201 if imported.created else 200)


class ExportView(ApiView):
    @endpoint(
        name="exportStrategy",
        summary="A strategy as a document that can be imported",
        tag=TAG,
        scope="read",
        answers={200: ExportAnswer},
        errors={404: ["STRATEGY_NOT_FOUND", "VERSION_NOT_FOUND"]},
        parameters=[
            STRATEGY_PARAMETER,
            OpenApiParameter("version", VERSION_SCHEMA, description="A version's number."),
        ],
        details=(
            "The draft, or else the last published version, unless `version` names another. The "
            "parent is named by its slug, and not part of it."
        ),
    )
    def get(self, request: Request, strategy: str) -> Response:
        number = read_version_number(request, "version") if "version" in request.query_params else None
        version = version_or_latest(seen_strategy(self, strategy), number)
        return Response(importing.export_document(version, at=clock.now()))


class TemplatesView(ApiView):
    @endpoint(
        name="listTemplates",
        summary="Examples to begin from, each a body for creating a strategy",
        tag=TAG,
        scope="read",
        answers={200: TemplatesAnswer},
        details="They ship with the service and are the same for everybody.",
    )
    def get(self, request: Request) -> HttpResponse:
        return json_response(
            TemplatesAnswer(items=[_template_answer(shipped) for shipped in dsl.example_programs().values()])
        )


def _template_answer(shipped: dsl.LibraryProgram) -> TemplateAnswer:
    program = shipped.program
    return TemplateAnswer(
        id=shipped.slug,
        name=shipped.name,
        description=shipped.description,
        type=shipped.kind.value,
        parent_strategy_id=shipped.parent,
        ast_json=dict(shipped.source),
        digest=program.digest,
        cost=CostAnswer(nodes=program.cost.nodes, depth=program.cost.depth, fields=list(program.cost.fields)),
    )


def _on_conflict(given: str | None) -> OnConflict:
    try:
        return OnConflict.RENAME if given is None else OnConflict(given)
    except ValueError:
        raise BadRequest("onConflict is one of rename, refuse, edit.", code="QUERY_INVALID") from None
