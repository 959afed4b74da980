"""What executions may be asked for by."""

import uuid
from collections.abc import Mapping
from typing import Final

from django.db.models import QuerySet
from drf_spectacular.utils import OpenApiParameter

from gameproject.lib.errors import BadRequest, JsonDict
from gameproject.lib.windows import rows_between
from observability.models import StrategyExecutionLog
from observability.sampling import Kind
from strategies import selectors
from strategies.api.score_list import read_time
from strategies.execution import STATUSES

FILTERS: Final = {
    "game": "A game's UUID or external id.",
    "task": "A task's UUID, or with `game` its external id.",
    "user": "A player's external id.",
    "strategy": "A strategy's UUID or slug.",
    "version": "A version's number; needs `strategy`.",
    "alias": "The alias that it ran by.",
    "code": "The code of a failure.",
    "case": "The name of a case.",
    "minSeconds": "At least so long.",
    "requestId": "The id of a request.",
    "scoreId": "The id of a score.",
    "since": "Not before this time: ISO 8601 with a time zone.",
    "until": "Before this time: ISO 8601 with a time zone.",
}
KNOWN: Final = {*FILTERS, "status", "kind", "limit", "cursor"}
KINDS: Final = tuple(kind.value for kind in Kind)
SCHEMAS: Final[dict[str, dict[str, object]]] = {
    "version": {"type": "integer", "minimum": 1},
    "minSeconds": {"type": "number", "minimum": 0},
    "scoreId": {"type": "string", "format": "uuid"},
    "since": {"type": "string", "format": "date-time"},
    "until": {"type": "string", "format": "date-time"},
}
PARAMETERS: Final = (
    *(
        OpenApiParameter(
            name,
            SCHEMAS.get(name, str),
            description=description,
        )
        for name, description in FILTERS.items()
    ),
    OpenApiParameter("status", str, enum=STATUSES),
    OpenApiParameter("kind", str, enum=KINDS, description="Why it was kept."),
)


# Columns that have an index, the narrowest first.
INDEXED: Final = ("score_id", "request_id", "external_user_id", "task_id", "game_id", "strategy_id")
SAME: Final = {
    "user": "external_user_id",
    "alias": "alias",
    "code": "code",
    "case": "case_name",
    "requestId": "request_id",
}


def asked_for(
    realm_id: uuid.UUID, given: Mapping[str, str]
) -> tuple[QuerySet[StrategyExecutionLog], JsonDict]:
    """Return the executions that a query may mean, and what their columns are to be. Raises BadRequest and NotFound."""
    unknown = sorted(set(given) - KNOWN)
    if unknown:
        raise BadRequest(
            f"There is no filter {unknown[0]!r}. There are: {', '.join(sorted(KNOWN))}.", code="QUERY_INVALID"
        )
    if any("\0" in value for value in given.values()):
        raise BadRequest("A filter holds a NUL character.", code="QUERY_INVALID")
    wanted: JsonDict = {column: given[name] for name, column in SAME.items() if name in given}
    wanted |= _of_target(realm_id, given) | _of_strategy(realm_id, given)
    if "scoreId" in given:
        wanted["score_id"] = _uuid("scoreId", given)
    if "minSeconds" in given:
        wanted["duration_seconds__gte"] = _seconds(given["minSeconds"])
    rows = StrategyExecutionLog.objects.filter(realm_id=realm_id)
    rows = rows_between(rows, read_time("since", given), read_time("until", given))
    return _as_kept(rows, given, wanted), wanted


def _as_kept(
    rows: QuerySet[StrategyExecutionLog], given: Mapping[str, str], wanted: JsonDict
) -> QuerySet[StrategyExecutionLog]:
    """Cut to failed runs or the others, which have partitions of their own, and to slow ones, which have an index."""
    if "code" in given:
        rows = rows.filter(is_error=True)
    if "status" in given:
        status = _one_of("status", given, STATUSES)
        rows = rows.filter(is_error=status != "ok")
        wanted |= {} if status == "ok" else {"status": status}
    if "kind" in given:
        kind = _one_of("kind", given, KINDS)
        rows = rows.filter(is_error=kind == Kind.ERROR)
        rows = rows.filter(kind=kind) if kind == Kind.SLOW else rows
        wanted |= {"kind": kind} if kind == Kind.SAMPLED else {}
    return rows


def _of_target(realm_id: uuid.UUID, given: Mapping[str, str]) -> JsonDict:
    game = selectors.game_by_name(realm_id, given["game"]) if "game" in given else None
    if "task" in given:
        name = given["task"]
        task = selectors.task_by_name(game, name) if game else selectors.task_by_id(realm_id, name)
        return {"task_id": task.pk}
    return {"game_id": game.pk} if game else {}


def _of_strategy(realm_id: uuid.UUID, given: Mapping[str, str]) -> JsonDict:
    if "strategy" not in given:
        if "version" in given:
            raise BadRequest("version needs strategy.", code="QUERY_INVALID")
        return {}
    strategy = selectors.strategy_by_name(realm_id, given["strategy"])
    if "version" not in given:
        return {"strategy_id": strategy.pk}
    if not (given["version"].isascii() and given["version"].isdecimal() and len(given["version"]) < 11):
        raise BadRequest("version is a number.", code="QUERY_INVALID")
    version = selectors.version_by_number(strategy, int(given["version"]))
    return {"strategy_id": strategy.pk, "strategy_version_id": version.pk}


def _one_of(name: str, given: Mapping[str, str], known: tuple[str, ...]) -> str:
    if given[name] not in known:
        raise BadRequest(f"{name} is one of {', '.join(known)}.", code="QUERY_INVALID")
    return given[name]


def _uuid(name: str, given: Mapping[str, str]) -> uuid.UUID:
    found = selectors.as_uuid(given[name])
    if found is None:
        raise BadRequest(f"{name} is a UUID.", code="QUERY_INVALID")
    return found


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < 1e6:
        raise BadRequest("minSeconds is a number of seconds.", code="QUERY_INVALID")
    return seconds
