"""Actions of players: recorded, unscored."""

import uuid
from datetime import datetime
from typing import ClassVar, Final

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request

from gameproject.lib.body import Body, ExternalId, Line, Text
from gameproject.lib.errors import NotFound
from gameproject.lib.openapi import endpoint
from strategies import selectors
from strategies.actions import Action, record_action
from strategies.api.base import ApiView, json_response, request_id
from strategies.api.idempotency import idempotency_key, key_parameter
from strategies.models import PlayerAction, Task
from strategies.models.tenancy import Scope

REFUSED: Final = {
    400: ["VALUE_INVALID", "DSL_NUMBER_RANGE", "IDEMPOTENCY_KEY_INVALID"],
    413: ["DATA_TOO_LARGE"],
}


class ActionBody(Body):
    """What a player did. `data`: at most 16 KiB, 8 deep, numbers within 1e15."""

    type_action: Line
    description: Text = ""
    data: dict[str, object] = {}


class TaskActionBody(ActionBody, kw_only=True):
    external_user_id: ExternalId


class ActionAnswer(msgspec.Struct, rename="camel", kw_only=True):
    action_id: uuid.UUID
    type_action: str
    description: str
    data: dict[str, object]
    external_user_id: str
    game_id: uuid.UUID | None
    external_task_id: str | None
    replayed: bool
    created_at: datetime
    request_id: str


class TaskActionView(ApiView):
    scopes: ClassVar[dict[str, str]] = {"POST": Scope.SCORE}

    @endpoint(
        name="recordTaskAction",
        summary="Record what a player did on a task, without scoring it",
        tag="Players",
        scope="score",
        body=TaskActionBody,
        answers={201: ActionAnswer, 200: ActionAnswer},
        errors={
            **REFUSED,
            404: ["GAME_NOT_FOUND", "TASK_NOT_FOUND"],
            409: ["TASK_CLOSED", "IDEMPOTENCY_KEY_REUSED"],
        },
        parameters=[key_parameter("action")],
    )
    def post(self, request: Request, game: str, task: str) -> HttpResponse:
        body = self.read(TaskActionBody)
        row = selectors.task_by_name(selectors.game_by_name(self.principal.realm_id, game), task)
        return _record(self, request, body, user=body.external_user_id, task=row)


class UserActionsView(ApiView):
    scopes: ClassVar[dict[str, str]] = {"POST": Scope.SCORE}

    @endpoint(
        name="recordUserAction",
        summary="Record what a player did, on no task, without scoring it",
        tag="Players",
        scope="score",
        body=ActionBody,
        answers={201: ActionAnswer, 200: ActionAnswer},
        errors={**REFUSED, 404: ["PLAYER_NOT_FOUND"], 409: ["IDEMPOTENCY_KEY_REUSED"]},
        parameters=[key_parameter("action")],
    )
    def post(self, request: Request, user: str) -> HttpResponse:
        body = self.read(ActionBody)
        if not selectors.EXTERNAL_ID.fullmatch(user):
            raise NotFound(
                "A player's id has 1 to 200 characters, none of them a control.", code="PLAYER_NOT_FOUND"
            )
        return _record(self, request, body, user=user, task=None)


def _record(
    view: ApiView, request: Request, body: ActionBody, *, user: str, task: Task | None
) -> HttpResponse:
    action = Action(
        external_user_id=user,
        type=body.type_action,
        description=body.description,
        data=body.data,
        task=task,
        idempotency_key=idempotency_key(request.META),
    )
    row, is_new = record_action(realm=view.realm, action=action, request_id=request_id(request))
    return json_response(_answer(row, replayed=not is_new), status=201 if is_new else 200)


def _answer(row: PlayerAction, *, replayed: bool) -> ActionAnswer:
    return ActionAnswer(
        action_id=row.pk,
        type_action=row.type,
        description=row.description,
        data=row.data,
        external_user_id=row.player.external_id,
        game_id=row.game_id,
        external_task_id=row.task.external_id if row.task else None,
        replayed=replayed,
        created_at=row.created_at,
        request_id=row.request_id,
    )
