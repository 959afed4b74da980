"""What rests on a strategy: games, tasks, the strategies that extend it, and overrides that have no effect."""

import uuid
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, Prefetch, Q, QuerySet

from strategies import programs, variables
from strategies.models import Alias, Game, Strategy, Task
from strategies.models.strategies import PRODUCTION

MAX_LISTED = 50

M = TypeVar("M", bound=Model)


@dataclass(frozen=True, slots=True)
class Listed(Generic[M]):
    """The first rows, and how many there are."""

    items: list[M]
    count: int


@dataclass(frozen=True, slots=True)
class Usage:
    """`n_inheriting` counts the tasks that name no strategy and are scored by it through their game."""

    games: Listed[Game]
    tasks: Listed[Task]
    n_inheriting: int
    children: Listed[Strategy]
    misfits: list[variables.Misfit]


def usage_of(strategy: Strategy, *, realm_id: uuid.UUID) -> Usage:
    """Find what uses a strategy in a realm; the number of queries does not depend on how much there is.

    Children are those that name it as their parent now, and those whose production version is pinned to one of
    its versions; their `aliases` hold `production` only, with its version and that one's parent.
    """
    production = Alias.objects.filter(name=PRODUCTION).select_related("version__parent_version__strategy")
    pinned = Alias.objects.filter(name=PRODUCTION, version__parent_version__strategy=strategy)
    children = Strategy.objects.filter(Q(parent=strategy) | Q(pk__in=pinned.values("strategy_id")))
    tasks = Task.objects.filter(realm_id=realm_id)
    return Usage(
        games=_listed(Game.objects.filter(strategy=strategy, realm_id=realm_id).order_by("external_id")),
        tasks=_listed(
            tasks.filter(strategy=strategy)
            .select_related("game")
            .order_by("game__external_id", "external_id")
        ),
        n_inheriting=tasks.filter(strategy=None, game__strategy=strategy).count(),
        children=_listed(
            children.filter(realm_id=realm_id)
            .prefetch_related(Prefetch("aliases", queryset=production))
            .order_by("slug")
        ),
        misfits=_misfits(strategy, realm_id),
    )


def _listed(rows: QuerySet[M]) -> Listed[M]:
    items = list(rows[:MAX_LISTED])
    return Listed(items, len(items) if len(items) < MAX_LISTED else rows.count())


def _misfits(strategy: Strategy, realm_id: uuid.UUID) -> list[variables.Misfit]:
    alias = Alias.objects.filter(strategy=strategy, name=PRODUCTION).first()
    if alias is None:
        return []
    program = programs.load(alias.version_id).program
    return variables.misfits(program, strategy=strategy, realm_id=realm_id)
