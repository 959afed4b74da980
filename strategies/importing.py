"""Strategies as documents: written by one installation, read by another. GAME's exports are read as well.

GAME's dashboard writes `{name, description, type, parentStrategyId, astJson, blocklyXml, exportedAt,
exportedFromVersion}`, and its API answers with the same keys and some more. The program is in the same language.
What has no place here is dropped and named: the Blockly drawing, the experiment tag.
"""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from django.db import transaction

from gameproject.lib import clock
from gameproject.lib.errors import BadRequest, Conflict, JsonDict, NotFound, Unprocessable
from strategies import dsl, publishing, selectors, slugs
from strategies.models import Realm, Strategy, StrategyVersion

FORMAT: Final = "strategy-export/1"
IMPORTED: Final = "strategy.imported"

# GAME's own strategies by their id there; None: written in Python there, with nothing like it here.
GAME_STRATEGIES: Final[Mapping[str, str | None]] = {
    "default": "default",
    "constantEffortStrategy": "constant_effort",
    "constant_effort": "constant_effort",
    "getis_ord_gi_star": None,
    "greencrowdStrategy": None,
    "greengageStrategy": None,
    "socio_bee": None,
}


class OnConflict(StrEnum):
    """What becomes of an import where a strategy of its slug is there already."""

    RENAME = "rename"
    REFUSE = "refuse"
    EDIT = "edit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An export as it was read. `format` is None for GAME's; `dropped` names what it holds and nothing keeps."""

    name: str
    type: str
    program: object
    description: str = ""
    parent: str | None = None
    slug: str = ""
    digest: str | None = None
    format: str | None = None
    dropped: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Note:
    """Something about an import that its author should know, and that did not stop it."""

    code: str
    message: str
    pointer: str


@dataclass(frozen=True, slots=True)
class Imported:
    version: StrategyVersion
    created: bool
    notes: list[Note]


def export_document(version: StrategyVersion, *, at: datetime) -> JsonDict:
    """Write a version, with all that `import_strategy` needs to make it anew."""
    strategy = version.strategy
    return {
        "format": FORMAT,
        "exportedAt": clock.iso(at),
        "strategyId": strategy.slug,
        "name": strategy.name,
        "description": strategy.description,
        "type": strategy.type,
        "parentStrategyId": strategy.parent.slug if strategy.parent else None,
        "version": version.number,
        "digest": version.digest,
        "astJson": version.program,
    }


@transaction.atomic
def import_strategy(
    *,
    realm: Realm,
    document: Document,
    on_conflict: OnConflict,
    parent: Strategy | None = None,
    strategy_id: uuid.UUID | None = None,
) -> Imported:
    """Make a draft of a document; `parent` stands in for the one that it names, `strategy_id` is a new one's id.

    Raises BadRequest (a format that is not known), Unprocessable (type or parent unknown here, problems of the
    program) and Conflict (the slug is taken and `on_conflict` says refuse, or the one to edit is of another type).
    """
    if document.format is not None and document.format != FORMAT:
        raise BadRequest(
            f"This is {document.format[:100]}; {FORMAT} and the exports of GAME can be read.",
            code="IMPORT_FORMAT_UNKNOWN",
            params={"format": document.format[:100], "known": FORMAT},
        )
    kind = _kind(document)
    parent = parent or _parent(realm, document)
    wanted = slugs.wanted(document.slug or document.name)
    known = Strategy.objects.filter(realm=realm, slug=wanted).first()
    if known is not None and on_conflict is OnConflict.EDIT:
        version = _edit(known, kind, parent, document)
        return Imported(version, created=False, notes=_notes(document, version, wanted))
    version = publishing.create_strategy(
        realm=realm,
        name=document.name,
        description=document.description,
        kind=kind,
        parent=parent,
        program=document.program,
        slug=wanted,
        strategy_id=strategy_id,
        event=IMPORTED,
    )
    if on_conflict is OnConflict.REFUSE and version.strategy.slug != wanted:
        raise Conflict(
            "There is a strategy of this name.", code="STRATEGY_EXISTS", params={"strategy": wanted}
        )
    return Imported(version, created=True, notes=_notes(document, version, wanted))


def _kind(document: Document) -> dsl.Kind:
    try:
        return dsl.Kind.parse(document.type)
    except ValueError:
        raise Unprocessable(
            f"Strategies of type {document.type[:100]} cannot be imported; DSL_FULL and DSL_EXTEND can.",
            code="IMPORT_TYPE_UNKNOWN",
            params={"type": document.type[:100]},
        ) from None


def _parent(realm: Realm, document: Document) -> Strategy | None:
    """Find the parent that a document names, by the names of the installation that wrote it."""
    name = document.parent
    if name is None:
        return None
    here: str | None = name
    if document.format is None:
        here = GAME_STRATEGIES.get(name, name)
    try:
        return selectors.strategy_by_name(realm.pk, here or name)
    except NotFound:
        if here is None:
            why = f"GAME's strategy {name} is written in Python and has no counterpart here."
        elif name.startswith("custom:"):
            why = f"{name} is a strategy of the installation that this comes from."
        else:
            why = f"There is no strategy {name} here. Import it first, and publish it."
    raise Unprocessable(
        f"{why} The parameter `parent` can name another.",
        code="IMPORT_PARENT_UNKNOWN",
        params={"parent": name},
    )


def _edit(strategy: Strategy, kind: dsl.Kind, parent: Strategy | None, document: Document) -> StrategyVersion:
    if strategy.type != kind.value:
        raise Conflict(
            f"The strategy {strategy.slug} is of type {strategy.type}, the document of type {kind.value}.",
            code="STRATEGY_TYPE_DIFFERS",
            params={"strategy": strategy.slug, "type": strategy.type},
        )
    return publishing.edit_strategy(
        strategy=strategy,
        program=document.program,
        name=document.name,
        description=document.description,
        parent=parent,
        event=IMPORTED,
    )


def _notes(document: Document, version: StrategyVersion, wanted: str) -> list[Note]:
    notes = [
        Note("IMPORT_PART_DROPPED", f"{part} is not kept: nothing here reads it.", f"/{part}")
        for part in document.dropped
    ]
    slug = version.strategy.slug
    if slug != wanted:
        notes.append(Note("IMPORT_RENAMED", f"{wanted} is taken; it is {slug} here.", "/strategyId"))
    if document.digest not in (None, version.digest):
        message = "The program is not the one that was exported: it has been changed since."
        notes.append(Note("IMPORT_DIGEST_DIFFERS", message, "/digest"))
    return notes
