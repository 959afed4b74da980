"""Many tasks in one request: each is answered as if it had been sent alone."""

import uuid
from typing import Annotated, ClassVar, Final

import msgspec
from django.conf import settings
from django.http import HttpResponse
from rest_framework.request import Request

from gameproject.lib.body import Body, decode, read_body
from gameproject.lib.errors import DomainError
from gameproject.lib.openapi import ErrorBody, endpoint
from strategies import dsl, games, selectors
from strategies.api.base import ApiView, json_response
from strategies.api.games import TAG, params_json
from strategies.api.tasks import TaskAnswer, TaskBody, task_answer
from strategies.models import Game, Strategy, Task
from strategies.models.tenancy import Scope

MAX_TASKS: Final = 1000


class BulkBody(Body):
    """Taken apart task by task, so that a bad one stops no other."""

    tasks: Annotated[list[msgspec.Raw], msgspec.Meta(min_length=1, max_length=MAX_TASKS)]


class BulkBodyShape(msgspec.Struct):
    """What a bulk looks like, for the API's description."""

    tasks: Annotated[list[TaskBody], msgspec.Meta(min_length=1, max_length=MAX_TASKS)]


class BulkResult(msgspec.Struct, kw_only=True, omit_defaults=True):
    """`status` is what the task would have got as a single request."""

    index: int
    status: int
    task: TaskAnswer | None = None
    error: ErrorBody | None = None


class BulkAnswer(msgspec.Struct):
    results: list[BulkResult]


class BulkTasksView(ApiView):
    scopes: ClassVar[dict[str, str]] = {"POST": Scope.AUTHOR}

    @endpoint(
        name="createTasks",
        summary="Create up to 1000 tasks, in their order; a bad one stops no other",
        tag=TAG,
        scope="author",
        body=BulkBodyShape,
        answers={200: BulkAnswer},
        errors={404: ["GAME_NOT_FOUND"]},
    )
    def post(self, request: Request, game: str) -> HttpResponse:
        body = read_body(
            request._request,  # noqa: SLF001  # past the framework's parsers
            BulkBody,
            max_bytes=settings.API_MAX_BATCH_BODY_BYTES,
        )
        reader = _TaskReader(selectors.game_by_name(self.principal.realm_id, game))
        read = [reader.read(raw) for raw in body.tasks]
        stored = iter(
            games.create_tasks(game=reader.game, tasks=[task for task in read if isinstance(task, Task)])
        )
        outcomes = [next(stored) if isinstance(each, Task) else each for each in read]
        return json_response(BulkAnswer([_result(index, each) for index, each in enumerate(outcomes)]))


class _TaskReader:
    """Reads and checks the tasks of one request; asks for each strategy once."""

    def __init__(self, game: Game) -> None:
        self.game = game
        self._strategies: dict[str | None, Strategy | DomainError] = {None: game.strategy}
        self._programs: dict[uuid.UUID, dsl.Program | None] = {}

    def read(self, raw: msgspec.Raw) -> Task | DomainError:
        try:
            body = decode(bytes(raw), TaskBody)
            strategy = self._strategy(body.strategy_id)
            games.require_fitting(strategy, self._program(strategy), body.variables)
            return games.new_task(
                game=self.game,
                external_id=body.external_task_id,
                strategy=None if body.strategy_id is None else strategy,
                variables=body.variables,
                params=params_json(body.params),
            )
        except DomainError as error:
            return error

    def _strategy(self, name: str | None) -> Strategy:
        if name not in self._strategies:
            try:
                self._strategies[name] = selectors.strategy_by_name(self.game.realm_id, name or "")
            except DomainError as error:
                self._strategies[name] = error
        found = self._strategies[name]
        if isinstance(found, DomainError):
            raise found
        return found

    def _program(self, strategy: Strategy) -> dsl.Program | None:
        if strategy.pk not in self._programs:
            self._programs[strategy.pk] = games.production_program(strategy)
        return self._programs[strategy.pk]


def _result(index: int, outcome: Task | DomainError) -> BulkResult:
    if isinstance(outcome, Task):
        return BulkResult(index=index, status=201, task=task_answer(outcome))
    error = msgspec.convert(outcome.as_json(), ErrorBody)
    return BulkResult(index=index, status=outcome.status, error=error)
