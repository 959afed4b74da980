"""What uses a strategy."""

import uuid
from collections.abc import Iterable
from typing import Any

import msgspec
from django.http import HttpResponse
from rest_framework.request import Request

from gameproject.lib.openapi import endpoint
from strategies import variables
from strategies.api.base import ApiView, json_response
from strategies.api.strategy_answers import (
    STRATEGY_PARAMETER,
    TAG,
    PinnedAnswer,
    pinned_answer,
    seen_strategy,
)
from strategies.models import Strategy
from strategies.usage import MAX_LISTED, usage_of


class UsingGameAnswer(msgspec.Struct, rename="camel", kw_only=True):
    game_id: uuid.UUID
    external_game_id: str


class UsingTaskAnswer(msgspec.Struct, rename="camel", kw_only=True):
    task_id: uuid.UUID
    external_task_id: str
    game_id: uuid.UUID
    external_game_id: str


class ChildAnswer(msgspec.Struct, rename="camel", kw_only=True):
    """`parentVersion` is what the child's production version is pinned to: null if it has none."""

    strategy_id: str
    name: str
    production_version: int | None
    parent_version: PinnedAnswer | None


class UsingGamesAnswer(msgspec.Struct, kw_only=True):
    count: int
    items: list[UsingGameAnswer]


class UsingTasksAnswer(msgspec.Struct, kw_only=True):
    count: int
    items: list[UsingTaskAnswer]


class ChildrenAnswer(msgspec.Struct, kw_only=True):
    count: int
    items: list[ChildAnswer]


class IgnoredOverrideAnswer(msgspec.Struct, kw_only=True):
    """`reason` is the language's code for why the production version does not take the values."""

    variable: str
    reason: str
    message: str
    games: int
    tasks: int
    examples: list[dict[str, Any]]


class UsageAnswer(msgspec.Struct, rename="camel", kw_only=True):
    """`inheritingTasks` counts the tasks without a strategy of their own in the games that use it."""

    games: UsingGamesAnswer
    tasks: UsingTasksAnswer
    inheriting_tasks: int
    children: ChildrenAnswer
    ignored_overrides: list[IgnoredOverrideAnswer]


class UsageView(ApiView):
    @endpoint(
        name="getUsage",
        summary="What uses a strategy",
        tag=TAG,
        scope="read",
        answers={200: UsageAnswer},
        errors={404: ["STRATEGY_NOT_FOUND"]},
        parameters=[STRATEGY_PARAMETER],
        details=(
            f"Of each kind the first {MAX_LISTED} by name, and how many there are. Children are the strategies "
            "that extend it, or whose production version is pinned to a version of it. `ignoredOverrides` are "
            "the variables that games or tasks override with values that the production version does not take, "
            f"at most {variables.MAX_MISFITS}, each with up to {variables.MAX_EXAMPLES} examples: scoring uses "
            "the default there. Of a built-in strategy only this realm's use is shown."
        ),
    )
    def get(self, request: Request, strategy: str) -> HttpResponse:
        usage = usage_of(seen_strategy(self, strategy), realm_id=self.principal.realm_id)
        games = [
            UsingGameAnswer(game_id=game.pk, external_game_id=game.external_id) for game in usage.games.items
        ]
        tasks = [
            UsingTaskAnswer(
                task_id=task.pk,
                external_task_id=task.external_id,
                game_id=task.game_id,
                external_game_id=task.game.external_id,
            )
            for task in usage.tasks.items
        ]
        children = [_child_answer(child) for child in usage.children.items]
        return json_response(
            UsageAnswer(
                games=UsingGamesAnswer(count=usage.games.count, items=games),
                tasks=UsingTasksAnswer(count=usage.tasks.count, items=tasks),
                inheriting_tasks=usage.n_inheriting,
                children=ChildrenAnswer(count=usage.children.count, items=children),
                ignored_overrides=list(_ignored_overrides(usage.misfits)),
            )
        )


def _child_answer(child: Strategy) -> ChildAnswer:
    # `usage_of` fetched production only.
    version = next((alias.version for alias in child.aliases.all()), None)
    return ChildAnswer(
        strategy_id=child.slug,
        name=child.name,
        production_version=version.number if version else None,
        parent_version=pinned_answer(version.parent_version) if version else None,
    )


def _ignored_overrides(misfits: Iterable[variables.Misfit]) -> Iterable[IgnoredOverrideAnswer]:
    for misfit in misfits:
        yield IgnoredOverrideAnswer(
            variable=misfit.variable,
            reason=str(misfit.problem.code),
            message=misfit.message,
            games=misfit.n_games,
            tasks=misfit.n_tasks,
            examples=misfit.examples,
        )
