"""Score many events in one transaction: the same meaning as one by one in order, few statements for all.

All figures are read at once, under the locks; each event is evaluated on them as the events before it left
them, a microsecond after the one before; all scores are written at once. An event that is refused or fails
stops no other.
"""

import random
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import msgspec
import psycopg
from django.conf import settings

from gameproject.lib import clock
from gameproject.lib.errors import DomainError, Unavailable, without_traceback
from gameproject.lib.ids import uuid7
from gameproject.lib.postgresql.deadline import watchdog
from strategies import batch_ledger, dsl, events, facts, ledger, scoring, selectors, targets, throttling
from strategies.answers import ScoreAnswer
from strategies.batch_figures import Figures, PlayerInGame, Standing
from strategies.batch_ledger import Pair
from strategies.events import Event
from strategies.execution import notify_all
from strategies.ledger import NewScore, Snapshot
from strategies.models.tenancy import Scope
from strategies.runs import Run

MAX_EVENTS: Final = 1000
MAX_ATTEMPTS: Final = 5
ONE_AFTER_THE_OTHER: Final = timedelta(microseconds=1)


@dataclass(slots=True)
class Row:
    """One event of the batch, and what became of it."""

    event: Event
    fingerprint: bytes | None
    index: int
    target: targets.Target | None = None
    player_id: uuid.UUID | None = None
    standing: Standing | None = None
    answer: ScoreAnswer | None = None
    error: DomainError | None = None
    # Refused before it was run. An event before it in the batch may still have used its key.
    is_refused: bool = False

    @property
    def is_open(self) -> bool:
        return self.answer is None and self.error is None


def score_batch(
    *, api_key: str, events_in_order: Sequence[Event | DomainError], request_id: str
) -> list[ScoreAnswer | DomainError]:
    """Score up to 1000 events; answer for each with its score, or with why there is none.

    An item that is an error already (its body was bad) is passed through, so that places match. Raises
    Unauthenticated, Forbidden, Throttled and Unavailable, for the whole batch; then nothing of it is stored.
    """
    until = time.monotonic() + settings.SCORING_BATCH_DEADLINE_SECONDS
    for attempt in range(MAX_ATTEMPTS):
        principal = targets.authenticate(api_key, Scope.SCORE)
        if attempt == 0:
            throttling.admit_request(principal)
        rows = [_row(index, item) for index, item in enumerate(events_in_order)]
        try:
            _find_targets(principal, rows, until)
            if any(row.is_open for row in rows):
                Batch(principal.realm_id, principal.epoch, rows, request_id, until).score()
        except scoring.ConfigurationChanged:
            _forget(api_key, principal, rows)
        except psycopg.Error as error:
            _prepare_next_attempt(error, attempt, until)
        else:
            return [_outcome(row) for row in rows]
    raise Unavailable("The database is too busy. Send the batch again.", code="DATABASE_BUSY")


def _row(index: int, item: Event | DomainError) -> Row:
    if isinstance(item, DomainError):
        return Row(_NO_EVENT, None, index, error=item)
    return Row(item, item.fingerprint() if item.idempotency_key else None, index)


_NO_EVENT: Final = Event(game="", task="", external_user_id="", data={})


def _outcome(row: Row) -> ScoreAnswer | DomainError:
    result = row.answer or row.error
    assert result is not None  # noqa: S101  # every row is decided when a batch is through
    return result


def _find_targets(principal: targets.Principal, rows: Sequence[Row], until: float) -> None:
    # Refusals are not cached, and a thousand events may name the same missing task: each is asked for once.
    found: dict[tuple[str, str], targets.Target | DomainError] = {}
    for row in rows:
        if row.is_open:
            if time.monotonic() >= until:
                raise _too_late()
            try:
                events.check(row.event)
            except DomainError as refusal:
                target: targets.Target | DomainError = without_traceback(refusal)
            else:
                target = _find_target(principal.realm_id, row.event, found)
            if isinstance(target, DomainError):
                row.error, row.is_refused = target, True
            else:
                row.target = target
    _replay_refused(principal.realm_id, [row for row in rows if row.is_refused])


def _find_target(
    realm_id: uuid.UUID, event: Event, found: dict[tuple[str, str], targets.Target | DomainError]
) -> targets.Target | DomainError:
    name = (event.game, event.task)
    if name not in found:
        try:
            found[name] = targets.find(realm_id, *name)
        except DomainError as refusal:
            found[name] = without_traceback(refusal)
    return found[name]


def _replay_refused(realm_id: uuid.UUID, rows: Sequence[Row]) -> None:
    """Answer a retry as it was answered, though the event would be refused today."""
    stored = selectors.stored_under_keys(realm_id, [row.event.idempotency_key for row in rows])
    for row in rows:
        score = stored.get(row.event.idempotency_key or "")
        if score is not None:
            row.error, row.is_refused = None, False
            _replay(realm_id, row, score.pk, score.request_hash)


def _replay(
    realm_id: uuid.UUID, row: Row, score_id: uuid.UUID, stored_hash: bytes | memoryview | None
) -> None:
    try:
        row.answer = scoring.replay(realm_id, score_id, stored_hash, row.fingerprint)
    except DomainError as refusal:
        row.error = without_traceback(refusal)


def _forget(api_key: str, principal: targets.Principal, rows: Sequence[Row]) -> None:
    for row in rows:
        targets.forget(api_key, principal.realm_id, row.event.game, row.event.task)


def _prepare_next_attempt(error: psycopg.Error, attempt: int, until: float) -> None:
    """Return if the batch may be tried again: a deadlock, or a key that was used elsewhere at this moment."""
    if isinstance(error, psycopg.errors.DeadlockDetected | psycopg.errors.UniqueViolation):
        time.sleep(random.uniform(0, 0.02) * (attempt + 1))  # noqa: S311  # jitter
        return
    timeouts = (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable)
    if isinstance(error, timeouts) or time.monotonic() >= until:
        raise _too_late() from error
    if not isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
        try:
            raise error
        finally:
            del error
    ledger.disconnect()
    raise Unavailable(
        "The connection to the database was lost. Send the batch again; events with an Idempotency-Key are "
        "never scored twice.",
        code="DATABASE_UNAVAILABLE",
    ) from error


def _too_late() -> Unavailable:
    return Unavailable("The batch was not scored in time. Send it again.", code="DSL_TIMEOUT")


# ── One attempt ──────────────────────────────────────────────────────────────────────────────────
class Batch:
    """The open rows of a batch, in one transaction."""

    def __init__(
        self, realm_id: uuid.UUID, epoch: int, rows: Sequence[Row], request_id: str, until: float
    ) -> None:
        self.realm_id = realm_id
        self.epoch = epoch
        self.rows = rows
        self.todo = [row for row in rows if row.is_open]
        self.request_id = request_id
        self.until = until
        self.runs: list[tuple[Run, dsl.RunError | None]] = []
        self.used_keys: dict[str, tuple[bytes | None, ScoreAnswer]] = {}
        # Made by this batch, and without a score so far.
        self.new_players: set[uuid.UUID] = set()
        self.new_pairs: set[Pair] = set()
        self.figures = Figures()

    def score(self) -> None:
        """Lock, read, evaluate, write, commit, and tell the observers."""
        connection = ledger.connect()
        try:
            with watchdog.watch(self.until):
                self._score(connection)
        except BaseException:
            ledger.roll_back(connection)
            raise
        self._tell_observers()

    def _tell_observers(self) -> None:
        notify_all([run.execution(error) for run, error in self.runs])

    def _score(self, connection: ledger.Connection) -> None:
        milliseconds = max(1, int((self.until - time.monotonic()) * 1000))
        batch_ledger.begin(connection, milliseconds=milliseconds)
        now = self._lock(connection)
        self._replay_stored(connection)
        self._read(connection, now.scored_at)
        scores = self._evaluate(now.scored_at)
        self._write(connection, scores)

    def _lock(self, connection: ledger.Connection) -> batch_ledger.Moment:
        names = dict.fromkeys(row.event.external_user_id for row in self.todo)
        players, self.new_players = batch_ledger.ensure_players(
            connection, self.realm_id, names, self._new_player_id
        )
        for row in self.todo:
            row.player_id = players[row.event.external_user_id]
        pairs = {pair_in_game(row) for row in self.todo}
        self.new_pairs, locked = batch_ledger.lock_pairs(connection, self.realm_id, pairs)
        self.figures.in_game = {pair: PlayerInGame(*row) for pair, row in locked.items()}
        now = batch_ledger.moment(connection, self.realm_id)
        epochs = {self.epoch, *(_target(row).epoch for row in self.todo)}
        if epochs != {now.config_epoch}:
            raise scoring.ConfigurationChanged
        return now

    def _replay_stored(self, connection: ledger.Connection) -> None:
        keys = {row.event.idempotency_key for row in self.todo if row.event.idempotency_key}
        stored = batch_ledger.stored_keys(connection, self.realm_id, keys)
        for row in self.todo:
            found = stored.get(row.event.idempotency_key or "")
            if found is not None:
                _replay(self.realm_id, row, *found)

    def _read(self, connection: ledger.Connection, now: datetime) -> None:
        wanted = [(row, _target(row)) for row in self.todo if row.is_open]
        # What no program reads is not read: it is only added to.
        reading = {pair_on_task(row) for row, target in wanted if target.reads[0]}
        known = batch_ledger.figures_on_tasks(connection, reading)
        tasks = {target.task_id.int for _, target in wanted if target.reads[1]}
        known_of_all = batch_ledger.figures_of_tasks(connection, tasks)
        counting = {pair_on_task(row) for row, target in wanted if target.reads[2]}
        since = now - timedelta(seconds=facts.RECENT_SECONDS)
        recent = batch_ledger.recent_counts(connection, counting, since)
        self.figures.begin(known, known_of_all, recent)
        for row, _ in wanted:
            row.standing = self.figures.of(pair_in_game(row), pair_on_task(row))

    def _evaluate(self, now: datetime) -> list[NewScore]:
        scores: list[NewScore] = []
        for index, row in enumerate(self.rows):
            if (row.is_open or row.is_refused) and self._settled_by_this_batch(row):
                continue
            if row.is_open:
                new = self._run(row, self._time_of(index, now))
                if new is not None:
                    scores.append(new)
        return scores

    def _new_player_id(self) -> uuid.UUID:
        return uuid7()

    def _time_of(self, index: int, now: datetime) -> datetime:
        """Give each event a time of its own, so that their order can be read from the ledger."""
        return now + index * ONE_AFTER_THE_OTHER

    def _new_run(self, row: Row, at: datetime) -> Run:
        return Run(target=_target(row), event=row.event, request_id=self.request_id, index=row.index)

    def _settled_by_this_batch(self, row: Row) -> bool:
        used = self.used_keys.get(row.event.idempotency_key or "")
        if used is None:
            return False
        fingerprint, answer = used
        row.error = None
        if fingerprint == row.fingerprint:
            row.answer = msgspec.structs.replace(answer, replayed=True)
        else:
            row.error = scoring.key_reused(answer.score_id)
        return True

    def _run(self, row: Row, at: datetime) -> NewScore | None:
        run = self._new_run(row, at)
        try:
            self._evaluate_run(run, row, at)
        except dsl.RunError as error:
            row.error = scoring.run_failed(error)
            self.runs.append((run, without_traceback(error)))
            return None
        self.runs.append((run, None))
        new = run.new_score(row.fingerprint)
        self._keep_what_is_new(row)
        if not new.is_test:
            _standing(row).add(new)
        row.answer = run.answer()
        if row.event.idempotency_key:
            self.used_keys[row.event.idempotency_key] = (row.fingerprint, row.answer)
        return new

    def _keep_what_is_new(self, row: Row) -> None:
        if self.new_players:
            self.new_players.discard(_player(row))
        if self.new_pairs:
            self.new_pairs.discard(pair_in_game(row))

    def _is_new(self, player: uuid.UUID) -> bool:
        # Mostly there is none, and hashing a UUID costs half a microsecond.
        return bool(self.new_players) and player in self.new_players

    def _evaluate_run(self, run: Run, row: Row, at: datetime) -> None:
        target = run.target
        if target.loaded.program.fields:
            run.evaluate(self._snapshot(row, at))
            return
        run.player_id, run.scored_at = _player(row), at
        run.player_created = self._is_new(run.player_id)
        run.evaluate_without_facts(clock.day_of(at, target.time_zone).date)

    def _snapshot(self, row: Row, at: datetime) -> Snapshot:
        """Show the figures as the locking read of a single event would have returned them."""
        target, player = _target(row), _player(row)
        game, task, of_task = _standing(row)
        return Snapshot(
            player_id=player,
            player_created=self._is_new(player),
            config_epoch=target.epoch,
            scored_at=at,
            stored_id=None,
            stored_hash=None,
            points_total=game.points_total,
            streak_days=game.streak_days,
            last_day=game.last_day,
            n_scores=task.n_scores,
            first_at=task.first_at,
            last_at=task.last_at,
            previous_at=task.previous_at,
            task_n_scores=of_task.n_scores,
            task_first_at=of_task.first_at,
            task_last_at=of_task.last_at,
            n_recent=task.n_recent,
        )

    def _write(self, connection: ledger.Connection, scores: Sequence[NewScore]) -> None:
        batch_ledger.copy_scores(connection, scores)
        # Players, and players' rows in games, whose every event was refused: as if never sent.
        batch_ledger.forget(connection, self.new_pairs, self.new_players)
        batch_ledger.write_pairs(connection, self.figures.rows_in_game())
        batch_ledger.write_on_tasks(connection, self.realm_id, self.figures.rows_on_task())
        batch_ledger.write_tasks_and_commit(connection, self.realm_id, self.figures.rows_of_slots())


def _target(row: Row) -> targets.Target:
    assert row.target is not None  # noqa: S101  # open rows have one
    return row.target


def _player(row: Row) -> uuid.UUID:
    assert row.player_id is not None  # noqa: S101  # from `_lock` on
    return row.player_id


def _standing(row: Row) -> Standing:
    assert row.standing is not None  # noqa: S101  # from `_read` on
    return row.standing


def pair_in_game(row: Row) -> Pair:
    return _player(row).int, _target(row).game_id.int


def pair_on_task(row: Row) -> Pair:
    return _player(row).int, _target(row).task_id.int
