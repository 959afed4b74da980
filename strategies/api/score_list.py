"""Scores, newest first, by what they were given for, to whom, by what and when."""

import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final, Literal

import msgspec
from django.db.models import QuerySet
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request

from gameproject.lib.errors import BadRequest, JsonDict, Unavailable
from gameproject.lib.looking import look_for_page
from gameproject.lib.openapi import endpoint
from gameproject.lib.postgresql.timeouts import StatementTimeout, statement_timeout
from gameproject.lib.windows import rows_between
from strategies import selectors
from strategies.answers import ScoreAnswer, score_answer
from strategies.api.base import ApiView, json_response
from strategies.api.pages import PAGE_PARAMETERS
from strategies.models import Score
from strategies.models.scores import Outcome

STATEMENT_TIMEOUT_SECONDS: Final = 5

FILTERS: Final = {
    "game": "A game's UUID or external id.",
    "task": "A task's UUID, or with `game` its external id.",
    "user": "A player's external id.",
    "strategy": "A strategy's UUID or slug.",
    "case": "The name of a case, as the score has it.",
    "since": "Not before this time: ISO 8601 with a time zone.",
    "until": "Before this time: ISO 8601 with a time zone.",
}
KNOWN: Final = {*FILTERS, "outcome", "limit", "cursor"}


class ScorePage(msgspec.Struct, rename="camel"):
    """`lookedBackTo`: the page ends there for so many scores were looked at; `nextCursor` goes on from there."""

    items: list[ScoreAnswer]
    next_cursor: str | None
    looked_back_to: str | None


class ScoresView(ApiView):
    @endpoint(
        name="listScores",
        summary="List scores, newest first",
        tag="Scoring",
        scope="read",
        answers={200: ScorePage},
        errors={
            404: ["GAME_NOT_FOUND", "TASK_NOT_FOUND", "PLAYER_NOT_FOUND", "STRATEGY_NOT_FOUND"],
            503: ["QUERY_TOO_WIDE"],
        },
        parameters=[
            *(
                OpenApiParameter(
                    name,
                    {"type": "string", "format": "date-time"} if name in {"since", "until"} else str,
                    description=description,
                )
                for name, description in FILTERS.items()
            ),
            OpenApiParameter("outcome", str, enum=Outcome.values),
            *PAGE_PARAMETERS,
        ],
    )
    def get(self, request: Request) -> HttpResponse:
        rows, wanted = asked_for(self.principal.realm_id, request.query_params)
        try:
            with statement_timeout(STATEMENT_TIMEOUT_SECONDS):
                found = look_for_page(request, rows, wanted)
        except StatementTimeout:
            raise Unavailable(
                "Too many scores had to be looked at. Name a game, a task, a player or a time.",
                code="QUERY_TOO_WIDE",
            ) from None
        items = [score_answer(score) for score in found.rows]
        return json_response(ScorePage(items, found.next_cursor, found.looked_back_to))


def asked_for(realm_id: uuid.UUID, given: Mapping[str, str]) -> tuple[QuerySet[Score], JsonDict]:
    """Return the scores that an index finds for a query, and what their columns are to be besides.

    Raises BadRequest, and NotFound for what the realm does not have.
    """
    unknown = sorted(set(given) - KNOWN)
    if unknown:
        raise BadRequest(
            f"There is no filter {unknown[0]!r}. There are: {', '.join(sorted(KNOWN))}.", code="QUERY_INVALID"
        )
    rows = Score.objects.filter(realm_id=realm_id)
    rows = rows.select_related("task", "player", "strategy", "strategy_version")
    rows = _of_target(realm_id, rows, given.get("game"), given.get("task"))
    if "user" in given:
        rows = rows.filter(player=selectors.player_by_name(realm_id, given["user"]))
    wanted: JsonDict = {}
    if "strategy" in given:
        wanted["strategy_id"] = selectors.strategy_by_name(realm_id, given["strategy"]).pk
    if "case" in given:
        wanted["case_name"] = _case(given["case"])
    if "outcome" in given:
        wanted["outcome"] = _outcome(given["outcome"])
    return rows_between(rows, read_time("since", given), read_time("until", given)), wanted


def _of_target(
    realm_id: uuid.UUID, rows: QuerySet[Score], game_name: str | None, task_name: str | None
) -> QuerySet[Score]:
    game = None if game_name is None else selectors.game_by_name(realm_id, game_name)
    if task_name is not None:
        task = selectors.task_by_name(game, task_name) if game else selectors.task_by_id(realm_id, task_name)
        return rows.filter(task=task)
    return rows if game is None else rows.filter(game=game)


def _case(name: str) -> str:
    if "\0" in name:
        raise BadRequest("case is the name of a case.", code="QUERY_INVALID")
    return name


def _outcome(name: str) -> str:
    if name not in Outcome.values:
        raise BadRequest(f"outcome is one of {', '.join(Outcome.values)}.", code="QUERY_INVALID")
    return name


def read_time(name: Literal["since", "until"], given: Mapping[str, str]) -> datetime | None:
    if name not in given:
        return None
    try:
        at = msgspec.convert(given[name], datetime)
    except msgspec.ValidationError:
        at = None
    if at is None or at.tzinfo is None:
        raise BadRequest(
            f"{name} is a time with a time zone, such as 2026-01-31T12:00:00Z. A + is written %2B in a URL.",
            code="QUERY_INVALID",
        )
    try:
        return at.astimezone(UTC)  # PostgreSQL reads no offset over 16 hours
    except OverflowError:  # of the first day or the last there is: no score is beyond
        return at.replace(tzinfo=UTC)
