"""Tasks: create one or many, list, read, change, delete."""

import uuid
from typing import Any, ClassVar, Literal

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request
from rest_framework.response import Response

from gameproject.lib import api, clock
from gameproject.lib.body import Body, ExternalId, Line
from gameproject.lib.openapi import endpoint
from strategies import games, selectors
from strategies.api.base import ApiView, json_response
from strategies.api.games import TAG, Param, Variables, changes_of, effective, params_json
from strategies.api.pages import PAGE_PARAMETERS
from strategies.models import Task
from strategies.models.tenancy import Scope


class TaskBody(Body):
    external_task_id: ExternalId
    strategy_id: Line | None = None
    variables: Variables = {}
    params: list[Param] = []


class TaskChanges(Body):
    """What is not sent stays. `strategyId` null: the game's. `variables` and `params` are replaced as a whole."""

    status: Literal["open", "closed"] | msgspec.UnsetType = msgspec.UNSET
    strategy_id: Line | msgspec.UnsetType | None = msgspec.UNSET
    variables: Variables | msgspec.UnsetType = msgspec.UNSET
    params: list[Param] | msgspec.UnsetType = msgspec.UNSET


class TaskAnswer(msgspec.Struct, rename="camel", kw_only=True):
    task_id: uuid.UUID
    external_task_id: str
    game_id: uuid.UUID
    strategy_id: str
    status: str
    variables: dict[str, Any]
    params: list[dict[str, Any]]
    created_at: str
    effective_variables: dict[str, Any] | msgspec.UnsetType = msgspec.UNSET


class TaskPage(msgspec.Struct, rename="camel"):
    items: list[TaskAnswer]
    next_cursor: str | None


class TasksView(ApiView):
    scopes: ClassVar[dict[str, str]] = {"POST": Scope.AUTHOR}

    @endpoint(
        name="createTask",
        summary="Create a task",
        tag=TAG,
        scope="author",
        body=TaskBody,
        answers={201: TaskAnswer},
        errors={
            400: [
                "DSL_VARIABLE_UNKNOWN",
                "DSL_VARIABLE_TYPE",
                "DSL_VARIABLE_RANGE",
                "DSL_NUMBER_RANGE",
                "VALUE_INVALID",
            ],
            404: ["GAME_NOT_FOUND", "STRATEGY_NOT_FOUND"],
            409: ["TASK_EXISTS", "STRATEGY_ARCHIVED", "STRATEGY_NOT_PUBLISHED"],
        },
    )
    def post(self, request: Request, game: str) -> HttpResponse:
        body = self.read(TaskBody)
        realm_id = self.principal.realm_id
        task = games.create_task(
            game=selectors.game_by_name(realm_id, game),
            external_id=body.external_task_id,
            strategy=(
                None if body.strategy_id is None else selectors.strategy_by_name(realm_id, body.strategy_id)
            ),
            variables=body.variables,
            params=params_json(body.params),
        )
        return json_response(task_answer(task), status=201)

    @endpoint(
        name="listTasks",
        summary="List a game's tasks, newest first",
        tag=TAG,
        scope="read",
        answers={200: TaskPage},
        errors={404: ["GAME_NOT_FOUND"]},
        parameters=PAGE_PARAMETERS,
    )
    def get(self, request: Request, game: str) -> Response:
        row = selectors.game_by_name(self.principal.realm_id, game)
        tasks = Task.objects.filter(game=row).select_related("strategy", "game__strategy")
        return api.page(request, tasks, task_answer)


class TaskView(ApiView):
    scopes: ClassVar[dict[str, str]] = {"PATCH": Scope.AUTHOR, "DELETE": Scope.AUTHOR}

    @endpoint(
        name="getTask",
        summary="A task, with the variables in force",
        tag=TAG,
        scope="read",
        answers={200: TaskAnswer},
        errors={404: ["GAME_NOT_FOUND", "TASK_NOT_FOUND"]},
    )
    def get(self, request: Request, game: str, task: str) -> HttpResponse:
        return json_response(_with_effective(self._task(game, task)))

    @endpoint(
        name="changeTask",
        summary="Change, close or open a task; acts on every event that begins afterwards",
        tag=TAG,
        scope="author",
        body=TaskChanges,
        answers={200: TaskAnswer},
        errors={
            400: [
                "DSL_VARIABLE_UNKNOWN",
                "DSL_VARIABLE_TYPE",
                "DSL_VARIABLE_RANGE",
                "DSL_NUMBER_RANGE",
                "VALUE_INVALID",
            ],
            404: ["GAME_NOT_FOUND", "TASK_NOT_FOUND", "STRATEGY_NOT_FOUND"],
            409: ["STRATEGY_ARCHIVED", "STRATEGY_NOT_PUBLISHED"],
        },
    )
    def patch(self, request: Request, game: str, task: str) -> HttpResponse:
        body = self.read(TaskChanges)
        row = self._task(game, task)
        changed = games.change_task(task=row, changes=changes_of(body, self.principal.realm_id))
        return json_response(_with_effective(changed))

    @endpoint(
        name="deleteTask",
        summary="Delete a task, where nothing was scored; answers with what it was",
        tag=TAG,
        scope="author",
        answers={200: TaskAnswer},
        errors={
            404: ["GAME_NOT_FOUND", "TASK_NOT_FOUND"],
            409: ["TASK_SCORED", "TASK_OPEN"],
            503: ["DATABASE_BUSY"],
        },
    )
    def delete(self, request: Request, game: str, task: str) -> HttpResponse:
        row = self._task(game, task)
        answer = task_answer(row)
        games.delete_task(task=row)
        return json_response(answer)

    def _task(self, game: str, task: str) -> Task:
        return selectors.task_by_name(selectors.game_by_name(self.principal.realm_id, game), task)


def task_answer(task: Task) -> TaskAnswer:
    return TaskAnswer(
        task_id=task.pk,
        external_task_id=task.external_id,
        game_id=task.game_id,
        strategy_id=(task.strategy or task.game.strategy).slug,
        status=task.status,
        variables=task.variables,
        params=task.params,
        created_at=clock.iso(task.created_at),
    )


def _with_effective(task: Task) -> TaskAnswer:
    answer = task_answer(task)
    answer.effective_variables = effective(task.strategy or task.game.strategy, task.game, task)
    return answer
