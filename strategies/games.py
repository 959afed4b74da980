"""Games and tasks: created, changed, deleted.

A game or a task may be deleted only where nothing was scored, and a score has no foreign key that would see
to it (strategies/models/scores.py). One may be on its way at this very moment: it has read the task from a
cache, and will write its row in a millisecond. So a deletion

1. closes the tasks and commits: the `config_epoch` is raised, and every scoring transaction that reads it from
   now on leaves and begins again, to find the task closed;
2. locks the rows, so that nobody opens them again, and waits for the transactions that may have read the epoch
   before. Such a one holds a lock on the table of the players' figures from before it reads the epoch until it
   ends, and `pg_locks` shows it. (One that looks without a lock reads the epoch again when it writes.) Scoring itself
   pays nothing for this;
3. looks whether there is a score, and only then deletes.

What is refused or fails is opened again. A process that is killed in between leaves a closed task.
"""

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeVar

import psycopg
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import QuerySet

from gameproject.lib.errors import BadRequest, Conflict, JsonDict, NotFound, Unavailable
from strategies import dsl, programs
from strategies.changes import Change, announce, differing, subject_of
from strategies.models import Alias, Game, PlayerGameStats, Realm, Score, Strategy, Task
from strategies.models.games import TaskStatus
from strategies.models.strategies import PRODUCTION

Row = TypeVar("Row", Game, Task)

LOOK_EVERY_SECONDS: Final = 0.005
MAX_NAMES_TOLD: Final = 50
# Those that have locked, or are about to lock, a player's figures: scores on their way.
IN_FLIGHT: Final = """
SELECT DISTINCT virtualtransaction FROM pg_locks
WHERE locktype = 'relation' AND relation = 'strategies_playergamestats'::regclass
  AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND mode IN ('RowShareLock', 'RowExclusiveLock') AND pid <> pg_backend_pid()
"""


# ── Create ───────────────────────────────────────────────────────────────────────────────────────
@transaction.atomic
def create_game(
    *,
    realm: Realm,
    external_id: str,
    platform: str,
    strategy: Strategy,
    time_zone: str | None,
    variables: Mapping[str, object],
    params: Sequence[JsonDict],
) -> Game:
    """Create a game. Raises BadRequest (variables do not fit) and Conflict (it is there, strategy archived)."""
    require_usable(strategy, variables)
    game = Game(
        realm=realm,
        external_id=external_id,
        platform=platform,
        strategy=strategy,
        time_zone=time_zone,
        variables=variables,
        params=params,
    )
    _insert(game, Conflict("There is a game with this externalGameId.", code="GAME_EXISTS"))
    _announce("created", game, after=_described(game))
    return game


@transaction.atomic
def create_task(
    *,
    game: Game,
    external_id: str,
    strategy: Strategy | None,
    variables: Mapping[str, object],
    params: Sequence[JsonDict],
) -> Task:
    """Create a task; without a strategy it takes the game's. Raises BadRequest and Conflict, as `create_game`."""
    require_usable(strategy or game.strategy, variables)
    task = new_task(game=game, external_id=external_id, strategy=strategy, variables=variables, params=params)
    _insert(task, task_exists())
    _announce("created", task, after=_described(task))
    return task


def new_task(
    *,
    game: Game,
    external_id: str,
    strategy: Strategy | None,
    variables: Mapping[str, object],
    params: Sequence[JsonDict],
) -> Task:
    """Make a task that is neither checked nor stored yet."""
    return Task(
        realm_id=game.realm_id,
        game=game,
        external_id=external_id,
        strategy=strategy,
        variables=variables,
        params=params,
    )


@transaction.atomic
def create_tasks(*, game: Game, tasks: Sequence[Task]) -> list[Task | Conflict]:
    """Store checked tasks with four statements, whatever their number; those that are there are refused."""
    _locked(Game.objects.all(), game.pk)
    names = {task.external_id for task in tasks}
    taken = set(Task.objects.filter(game=game, external_id__in=names).values_list("external_id", flat=True))
    fresh: dict[str, Task] = {}
    for task in tasks:
        if task.external_id not in taken:
            fresh.setdefault(task.external_id, task)
    Task.objects.bulk_create(fresh.values(), ignore_conflicts=True)
    # Another request may have stored one of them in between.
    stored = set(
        Task.objects.filter(pk__in=[task.pk for task in fresh.values()]).values_list("pk", flat=True)
    )
    _announce_tasks(game, [task.external_id for task in fresh.values() if task.pk in stored])
    return [task if task.pk in stored else task_exists() for task in tasks]


def task_exists() -> Conflict:
    return Conflict("The game has a task with this externalTaskId.", code="TASK_EXISTS")


def _insert(row: Game | Task, conflict: Conflict) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        if isinstance(error.__cause__, psycopg.errors.ForeignKeyViolation):
            raise NotFound("The game or the strategy was deleted just now.") from None
        raise conflict from None


# ── Change ───────────────────────────────────────────────────────────────────────────────────────
@transaction.atomic
def change_game(*, game: Game, changes: Mapping[str, object]) -> Game:
    """Set what `changes` names: platform, strategy, time_zone, variables, params.

    Acts on every event that begins afterwards. Raises BadRequest (variables do not fit the strategy that the
    game then has) and Conflict (strategy archived).
    """
    row = _locked(Game.objects.select_related("strategy", "realm"), game.pk)
    before = _described(row)
    _set(row, changes)
    if changes.keys() & {"strategy", "variables"}:
        require_usable(row.strategy, row.variables)
    return _saved(row, changes, before)


@transaction.atomic
def change_task(*, task: Task, changes: Mapping[str, object]) -> Task:
    """Set what `changes` names: status, strategy (None: the game's), variables, params. As `change_game`."""
    row = _locked(Task.objects.select_related("strategy", "game__strategy"), task.pk)
    before = _described(row)
    _set(row, changes)
    if changes.keys() & {"strategy", "variables"}:
        require_usable(row.strategy or row.game.strategy, row.variables)
    return _saved(row, changes, before)


@transaction.atomic
def store_filled(row: Game | Task) -> None:
    """Store a game or a task, new or changed, that a form has filled and checked."""
    known = _stored(row)
    row.save()
    if known is None:
        _announce("created", row, after=_described(row))
    else:
        _announce_changed(row, _described(known))


def _stored(row: Game | Task) -> Game | Task | None:
    rows: QuerySet[Any] = type(row)._default_manager.all()  # noqa: SLF001  # Django's documented way
    found: Game | Task | None = rows.select_for_update(no_key=True, of=("self",)).filter(pk=row.pk).first()
    return found


def _set(row: Game | Task, changes: Mapping[str, object]) -> None:
    for name, value in changes.items():
        setattr(row, name, value)


def _saved(row: Row, changes: Mapping[str, object], before: JsonDict) -> Row:
    if changes:
        row.save(update_fields=list(changes))
        _announce_changed(row, before)
    return row


def _locked(rows: QuerySet[Row], pk: uuid.UUID, *, no_key: bool = True) -> Row:
    row = rows.select_for_update(no_key=no_key, of=("self",)).filter(pk=pk).first()
    if row is None:
        raise NotFound("It was deleted just now.")
    return row


def require_usable(strategy: Strategy, variables: Mapping[str, object]) -> None:
    """Raise Conflict where a strategy is archived, BadRequest where variables do not fit what it scores by."""
    require_fitting(strategy, production_program(strategy) if variables else None, variables)


def require_fitting(strategy: Strategy, program: dsl.Program | None, variables: Mapping[str, object]) -> None:
    """As `require_usable`, for a program that is at hand."""
    if strategy.archived_at is not None:
        raise Conflict(
            "The strategy is archived and does not score.",
            code="STRATEGY_ARCHIVED",
            params={"strategy": strategy.slug},
        )
    if not variables:
        return
    if program is None:
        raise Conflict(
            "The strategy has no published version whose variables could be overridden.",
            code="STRATEGY_NOT_PUBLISHED",
            params={"strategy": strategy.slug},
        )
    try:
        program.resolve_variables(variables)
    except dsl.DslError as error:
        raise BadRequest(
            error.message,
            code=error.code,
            params=error.params,
            problems=[{"code": error.code, "message": error.message, "pointer": "/variables"}],
        ) from None


def production_program(strategy: Strategy) -> dsl.Program | None:
    alias = Alias.objects.filter(strategy=strategy, name=PRODUCTION).first()
    return programs.load(alias.version_id).program if alias else None


# ── Delete ───────────────────────────────────────────────────────────────────────────────────────
def delete_game(*, game: Game) -> None:
    """Delete a game and its tasks. Raises Conflict where anything was scored, test events too."""
    scores = Score.objects.filter(game=game)
    tasks = Task.objects.filter(game=game)
    _require_none(scores, "GAME_SCORED")
    with _closed(tasks), transaction.atomic():
        # Not only NO KEY: a task that is being added waits for this lock, and then finds no game.
        row = _locked(Game.objects.all(), game.pk, no_key=False)
        _require_closed(tasks)
        _wait_for_scores_in_flight()
        _require_none(scores, "GAME_SCORED")
        PlayerGameStats.objects.filter(game=row).delete()  # those of batches in which every event failed
        before = {**_described(row), "n_tasks": tasks.count()}
        subject = subject_of(row)
        row.delete()
        _announce("deleted", row, subject=subject, before=before)


def delete_task(*, task: Task) -> None:
    """Delete a task. Raises Conflict where anything was scored, test events too."""
    scores = Score.objects.filter(task=task)
    tasks = Task.objects.filter(pk=task.pk)
    _require_none(scores, "TASK_SCORED")
    with _closed(tasks), transaction.atomic():
        row = _locked(Task.objects.all(), task.pk, no_key=False)
        _require_closed(tasks)
        _wait_for_scores_in_flight()
        _require_none(scores, "TASK_SCORED")
        before, subject = _described(row), subject_of(row)
        row.delete()
        _announce("deleted", row, subject=subject, before=before)


@contextmanager
def _closed(tasks: QuerySet[Task]) -> Iterator[None]:
    """Close tasks; open them again if the body raises."""
    with transaction.atomic():
        opened = tasks.filter(status=TaskStatus.OPEN).order_by("pk").select_for_update(no_key=True)
        ids = list(opened.values_list("pk", flat=True))
        Task.objects.filter(pk__in=ids).update(status=TaskStatus.CLOSED)
    try:
        yield
    except BaseException:
        Task.objects.filter(pk__in=ids).update(status=TaskStatus.OPEN)
        raise


def _require_closed(tasks: QuerySet[Task]) -> None:
    locked = tasks.order_by("pk").select_for_update().values_list("status", flat=True)
    if TaskStatus.OPEN in list(locked):
        raise Conflict("A task was opened at the same moment. Try again.", code="TASK_OPEN")


def _require_none(scores: QuerySet[Score], code: str) -> None:
    if scores.exists():
        raise Conflict(
            "Something was scored here, and the ledger keeps it. Close the tasks instead (PATCH, status closed).",
            code=code,
        )


def _wait_for_scores_in_flight() -> None:
    """Return when every scoring transaction that is open now has ended. Raises Unavailable if one does not."""
    longest = max(settings.SCORING_DEADLINE_SECONDS, settings.SCORING_BATCH_DEADLINE_SECONDS)
    give_up = time.monotonic() + longest + 1
    waited_for = _in_flight()
    while waited_for:
        if time.monotonic() >= give_up:
            raise Unavailable("Scores are still being written. Try again.", code="DATABASE_BUSY")
        time.sleep(LOOK_EVERY_SECONDS)
        waited_for &= _in_flight()


def _in_flight() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute(IN_FLIGHT)
        return {name for (name,) in cursor.fetchall()}


# ── Told to those who keep records ───────────────────────────────────────────────────────────────
def _described(row: Game | Task) -> JsonDict:
    common = {
        "external_id": row.external_id,
        "strategy": row.strategy.slug if row.strategy else None,
        "variables": row.variables,
        "params": row.params,
    }
    if isinstance(row, Game):
        return {**common, "platform": row.platform, "time_zone": row.time_zone}
    return {**common, "game": row.game.external_id, "status": row.status}


def _announce_changed(row: Game | Task, before: JsonDict) -> None:
    before, after = differing(before, _described(row))
    if after:
        _announce("changed", row, before=before, after=after)


def _announce(
    verb: str,
    row: Game | Task,
    *,
    subject: str = "",
    before: JsonDict | None = None,
    after: JsonDict | None = None,
) -> None:
    kind = "game" if isinstance(row, Game) else "task"
    change = Change(
        event=f"{kind}.{verb}",
        message=f"{verb.capitalize()} the {kind} {row.external_id}.",
        realm_id=row.realm_id,
        module=__name__,
        subject=subject or subject_of(row),
        before=before,
        after=after,
    )
    announce(change)


def _announce_tasks(game: Game, names: Sequence[str]) -> None:
    if not names:
        return
    change = Change(
        event="tasks.created",
        message=f"Created {len(names)} tasks in the game {game.external_id}.",
        realm_id=game.realm_id,
        module=__name__,
        subject=subject_of(game),
        after={"n_tasks": len(names), "first": names[:MAX_NAMES_TOLD]},
    )
    announce(change)
