"""What rests on a strategy: games, tasks, the strategies that extend it, and overrides that have no effect."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

from django.db.models import Model, Prefetch, Q, QuerySet

from strategies import dsl, programs, variables
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


@dataclass(frozen=True, slots=True)
class Override:
    """A variable that a game or a task sets, and what scoring takes in its place if it does not fit."""

    game: Game
    task: Task | None
    variable: str
    default: object
    value: object
    in_force: object
    problem: dsl.Problem | None


def usage_of(strategy: Strategy, *, realm_id: uuid.UUID | None) -> Usage:
    """Find what uses a strategy in a realm (None: in all); the number of queries does not depend on how much there is.

    Children are those that name it as their parent now, and those whose production version is pinned to one of
    its versions; their `aliases` hold `production` only, with its version and that one's parent.
    """
    production = Alias.objects.filter(name=PRODUCTION).select_related("version__parent_version__strategy")
    pinned = Alias.objects.filter(name=PRODUCTION, version__parent_version__strategy=strategy)
    children = Strategy.objects.filter(Q(parent=strategy) | Q(pk__in=pinned.values("strategy_id")))
    games, tasks = Game.objects.filter(strategy=strategy), Task.objects.all()
    if realm_id is not None:
        games, tasks = games.filter(realm_id=realm_id), tasks.filter(realm_id=realm_id)
        children = children.filter(realm_id=realm_id)
    return Usage(
        games=_listed(games.order_by("external_id")),
        tasks=_listed(
            tasks.filter(strategy=strategy)
            .select_related("game")
            .order_by("game__external_id", "external_id")
        ),
        n_inheriting=tasks.filter(strategy=None, game__strategy=strategy).count(),
        children=_listed(
            children.prefetch_related(Prefetch("aliases", queryset=production)).order_by("slug")
        ),
        misfits=_misfits(strategy, realm_id),
    )


def overrides_of(strategy: Strategy, program: dsl.Program) -> list[Override]:
    """List the variables that games and tasks set where the strategy scores, of the first 50 of each."""
    games = Game.objects.filter(strategy=strategy).exclude(variables={}).order_by("external_id")
    tasks = (
        Task.objects.filter(Q(strategy=strategy) | Q(strategy=None, game__strategy=strategy))
        .exclude(variables={})
        .select_related("game")
        .order_by("game__external_id", "external_id")
    )
    users: list[tuple[Game, Task | None]] = [(game, None) for game in games[:MAX_LISTED]]
    users += [(task.game, task) for task in tasks[:MAX_LISTED]]
    return [override for game, task in users for override in _overrides(program, game, task)]


def _overrides(program: dsl.Program, game: Game, task: Task | None) -> Iterator[Override]:
    in_force = variables.effective_variables(program, game, task)
    for name, value in (task or game).variables.items():
        default, problem = program.variables.get(name), variables.misfit(program, name, value)
        yield Override(game, task, name, default, value, in_force.get(name), problem)


def _listed(rows: QuerySet[M]) -> Listed[M]:
    items = list(rows[:MAX_LISTED])
    return Listed(items, len(items) if len(items) < MAX_LISTED else rows.count())


def _misfits(strategy: Strategy, realm_id: uuid.UUID | None) -> list[variables.Misfit]:
    alias = Alias.objects.filter(strategy=strategy, name=PRODUCTION).first()
    if alias is None:
        return []
    program = programs.load(alias.version_id).program
    return variables.misfits(program, strategy=strategy, realm_id=realm_id)
