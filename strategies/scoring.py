"""Score an event: the hot path, two round trips; one, where the program reads no facts.

1. Key, task, strategy and program come from process caches (strategies/targets.py).
2. `ledger.look` reads the figures that the program names, the realm's `config_epoch`, and the score that an idempotency
   key may already have. Nothing is locked.
3. The program runs on the facts.
4. `ledger.write_if_unchanged` stores the score with everything it rests on and updates the running figures, in a transaction
   of its own, if the player's figures and the configuration are what they were. A program that names no facts gives the
   same whatever they are: it runs first, and `ledger.write_unseen` does 2 and 4 together.
5. Where that is not the way (a player new to the game, another event of the player at the same moment, a key that was used,
   a change of the configuration) nothing was changed, and the event is scored under a lock: `ledger.lock` takes the player's
   row in this game and reads, the program runs again, `ledger.write` stores and commits. An epoch other than the caches'
   ends the attempt: the request begins again with fresh ones. A player whose events come at the same moment is scored so
   at once, for a second (strategies/contention.py).
6. The observers are told, after the transaction: a rollback would lose the failures.
"""

import random
import time
import uuid
from typing import Final, NamedTuple

import psycopg
from django.conf import settings

from gameproject.lib import clock, request_context
from gameproject.lib.errors import Conflict, DomainError, Unavailable, Unprocessable
from gameproject.lib.ids import uuid7
from gameproject.lib.postgresql.deadline import GRACE_SECONDS, watchdog
from strategies import dsl, events, ledger, metrics, selectors, targets, throttling
from strategies.answers import ScoreAnswer, score_answer
from strategies.contention import contended
from strategies.events import Event
from strategies.execution import notify
from strategies.models.tenancy import Scope
from strategies.runs import Run

MAX_ATTEMPTS: Final = 5
MAX_DEADLOCKS: Final = 3
# Kept back of the deadline, so that the answer keeps it: for the watchdog, which lets the server's own timeouts speak
# first, and for the way out.
RESERVE_SECONDS: Final = 0.1
SERVER_TIMEOUTS: Final = (psycopg.errors.QueryCanceled, psycopg.errors.LockNotAvailable)


class ConfigurationChanged(Exception):  # not an error: the request begins again
    """The realm's configuration is newer than the caches'."""


class Request:
    """One event on its way through: when it must be answered, and what has been tried."""

    def __init__(self, event: Event, request_id: str) -> None:
        self.event = event
        self.request_id = request_id
        self.fingerprint = event.fingerprint() if event.idempotency_key else None
        seconds = settings.SCORING_DEADLINE_SECONDS
        self.until = time.monotonic() + max(seconds - RESERVE_SECONDS, seconds / 2)
        self.n_deadlocks = 0
        self.n_lost_connections = 0
        self.n_key_races = 0
        self.commit_sent = False
        self.told_milliseconds = 0

    def seconds_left(self) -> float:
        return self.until - time.monotonic()

    def milliseconds_left(self) -> int:
        """What PostgreSQL may still take; at least 1, since its 0 means for ever."""
        self.told_milliseconds = max(1, int(self.seconds_left() * 1000))
        return self.told_milliseconds

    def milliseconds_if_late(self) -> int | None:
        """The same, if PostgreSQL has to be told again: by what it knows, the watchdog would come first."""
        late = self.told_milliseconds - self.seconds_left() * 1000 > GRACE_SECONDS * 500
        return self.milliseconds_left() if late else None


def score(*, api_key: str, event: Event, request_id: str) -> ScoreAnswer:
    """Score one event, exactly once per idempotency key.

    A key that was used before for the same event gets the stored score, as stored, with `replayed` set; also
    where a new event would now be refused, because the task was closed or the strategy archived since.
    Raises Unauthenticated, Forbidden, NotFound, BadRequest, TooLarge, Conflict (closed, archived, key used
    with another body), Throttled, Unprocessable (the run failed; nothing is stored) and Unavailable (deadline, database
    away; safe to send again with the same key).
    """
    request = Request(event, request_id)
    with watchdog.watch(request.until):
        return _score(api_key, request)


def _score(api_key: str, request: Request) -> ScoreAnswer:
    event = request.event
    for attempt in range(MAX_ATTEMPTS):
        principal = targets.authenticate(api_key, Scope.SCORE)
        if attempt == 0:
            throttling.admit_event(principal, event.external_user_id)
        try:
            events.check(event)
            target = targets.find(principal.realm_id, event.game, event.task)
            return _attempt(principal, target, request)
        except ConfigurationChanged:
            targets.forget(api_key, principal.realm_id, event.game, event.task)
        except dsl.RunError as error:
            raise run_failed(error) from None
        except DomainError as refusal:
            return _stored_or_raise(principal.realm_id, request, refusal)
        except psycopg.Error as error:
            _prepare_next_attempt(error, request)
    raise Unavailable("The realm's configuration keeps changing. Send the event again.", code="CONFIG_BUSY")


# ── One attempt ──────────────────────────────────────────────────────────────────────────────────
class Done(NamedTuple):
    """An attempt that is through: the event was scored, or its idempotency key has a score already."""

    stored_id: uuid.UUID | None = None
    stored_hash: bytes | None = None


def _attempt(principal: targets.Principal, target: targets.Target, request: Request) -> ScoreAnswer:
    run = Run(target=target, event=request.event, request_id=request.request_id)
    connection = ledger.connect()
    try:
        done = _score_unlocked(connection, principal, run, request) or _score_locked(
            connection, principal, run, request
        )
    except BaseException as error:
        ledger.roll_back(connection)
        request_context.bind(strategy=target.strategy, version=str(target.version))
        _tell_of_failure(run, error, request)
        raise
    if done.stored_id is not None:
        ledger.roll_back(connection)
        return replay(target.realm_id, done.stored_id, done.stored_hash, request.fingerprint)
    notify(run.execution())
    return run.answer()


def _score_unlocked(
    connection: ledger.Connection, principal: targets.Principal, run: Run, request: Request
) -> Done | None:
    """Score without holding a lock while the program runs. None if that is not the way: then nothing was changed.

    A run that fails is no failure yet: it may rest on what has changed meanwhile.
    """
    if principal.epoch != run.target.epoch:
        return None
    try:
        if run.target.loaded.program.fields:
            return _score_on_what_is_seen(connection, run, request)
        return _score_unseen(connection, run, request)
    except dsl.RunError:
        return None


def _score_on_what_is_seen(connection: ledger.Connection, run: Run, request: Request) -> Done | None:
    target, player = run.target, request.event.external_user_id
    if player in contended:
        return None
    seen = _look(connection, target, request)
    if seen is None or seen.snapshot.config_epoch != target.epoch:
        return None
    if seen.snapshot.stored_id is not None:
        return Done(seen.snapshot.stored_id, seen.snapshot.stored_hash)
    run.evaluate(seen.snapshot)
    new = _new_score(run, request)
    is_written = ledger.write_if_unchanged(
        connection,
        new,
        row_version=seen.row_version,
        epoch=target.epoch,
        milliseconds=request.milliseconds_left(),
    )
    if not is_written:
        contended.note(player)
    return _done_if(request, is_done=is_written)


def _score_unseen(connection: ledger.Connection, run: Run, request: Request) -> Done | None:
    target = run.target
    day = clock.day_of(clock.now(), target.time_zone)
    run.evaluate_without_facts(day.date)
    run.scored_at = ledger.write_unseen(
        connection,
        _new_score(run, request),
        external_user_id=request.event.external_user_id,
        epoch=target.epoch,
        day=day,
        milliseconds=request.milliseconds_left(),
    )
    return _done_if(request, is_done=run.scored_at is not None)


def _done_if(request: Request, *, is_done: bool) -> Done | None:
    request.commit_sent = is_done  # if not, the server has said that there was none
    return Done() if is_done else None


def _score_locked(
    connection: ledger.Connection, principal: targets.Principal, run: Run, request: Request
) -> Done:
    locked = _lock(connection, run.target, request)
    if locked.stored_id is not None:
        return Done(locked.stored_id, locked.stored_hash)
    if not locked.config_epoch == run.target.epoch == principal.epoch:
        raise ConfigurationChanged
    run.evaluate(locked)
    ledger.write(connection, _new_score(run, request), milliseconds=request.milliseconds_if_late())
    return Done()


def _look(connection: ledger.Connection, target: targets.Target, request: Request) -> ledger.Seen | None:
    return ledger.look(
        connection,
        target.origin,
        external_user_id=request.event.external_user_id,
        idempotency_key=request.event.idempotency_key,
        reads=target.reads,
        milliseconds=request.milliseconds_left(),
    )


def _lock(connection: ledger.Connection, target: targets.Target, request: Request) -> ledger.Snapshot:
    return ledger.lock(
        connection,
        target.origin,
        external_user_id=request.event.external_user_id,
        new_player_id=uuid7(),
        idempotency_key=request.event.idempotency_key,
        reads=target.reads,
        milliseconds=request.milliseconds_left(),
    )


def _new_score(run: Run, request: Request) -> ledger.NewScore:
    """Write the run down for a statement that is about to be sent, and that commits. Raises Unavailable if it is too late."""
    if request.seconds_left() <= 0:
        raise _too_late()
    new = run.new_score(request.fingerprint)
    request.commit_sent = True
    return new


def _tell_of_failure(run: Run, error: BaseException, request: Request) -> None:
    if isinstance(error, dsl.RunError):
        notify(run.execution(error))
    elif isinstance(error, Unavailable) or (
        isinstance(error, psycopg.Error) and _out_of_time(error, request)
    ):
        notify(run.execution(timed_out=True))


def run_failed(error: dsl.RunError) -> Unprocessable:
    return Unprocessable(
        f"The strategy failed on this event: {error.message}",
        code=error.code,
        params={**error.params, "nodeId": error.node_id, "path": error.path},
    )


# ── The same key again ───────────────────────────────────────────────────────────────────────────
def replay(
    realm_id: uuid.UUID,
    score_id: uuid.UUID,
    stored_hash: bytes | memoryview | None,
    fingerprint: bytes | None,
) -> ScoreAnswer:
    """Answer with the stored score, if the key was used for this very event. Raises Conflict if not."""
    if stored_hash is None or bytes(stored_hash) != fingerprint:
        raise key_reused(score_id)
    answer = score_answer(selectors.score_by_id(realm_id, score_id), replayed=True)
    metrics.replayed(answer.strategy, answer.alias)
    return answer


def key_reused(score_id: uuid.UUID) -> Conflict:
    return Conflict(
        "This Idempotency-Key was used for another event. Use a new key for a new event.",
        code="IDEMPOTENCY_KEY_REUSED",
        params={"scoreId": str(score_id)},
    )


def _stored_or_raise(realm_id: uuid.UUID, request: Request, refusal: DomainError) -> ScoreAnswer:
    """Answer a retry as it was answered, though the event would be refused today."""
    key = request.event.idempotency_key
    stored = (
        selectors.stored_under_key(realm_id, key) if key and not isinstance(refusal, Unavailable) else None
    )
    if stored is None:
        try:
            raise refusal
        finally:
            del refusal  # or it would keep itself in memory (errors.without_traceback)
    return replay(realm_id, stored.pk, stored.request_hash, request.fingerprint)


# ── What may be tried again ──────────────────────────────────────────────────────────────────────
def _prepare_next_attempt(error: psycopg.Error, request: Request) -> None:
    """Return if the event may be tried again; raise what the client is to hear if not."""
    if _is_rolled_back(error):
        request.commit_sent = False
    if isinstance(error, SERVER_TIMEOUTS):
        raise _too_late() from error  # said by the server, which has rolled back
    if request.seconds_left() <= 0:
        _require_known_outcome(request)
        raise _too_late() from error
    match error:
        case psycopg.errors.DeadlockDetected() | psycopg.errors.SerializationFailure():
            request.n_deadlocks += 1
            if request.n_deadlocks > MAX_DEADLOCKS:
                raise Unavailable("The database is too busy. Send the event again.", code="DATABASE_BUSY")
            time.sleep(random.uniform(0, 0.01) * request.n_deadlocks)  # noqa: S311  # jitter
        case psycopg.errors.UniqueViolation() if request.event.idempotency_key and not request.n_key_races:
            # The key was used for another player at the same moment: the next look finds the winner's score.
            request.n_key_races += 1
        case psycopg.OperationalError() | psycopg.InterfaceError():
            ledger.disconnect()
            _require_safe_repetition(request)
        case _:
            try:
                raise error
            finally:
                del error


def _is_rolled_back(error: psycopg.Error) -> bool:
    """Say whether the server said that it failed. One that was lost or shut down may have committed before."""
    return error.sqlstate is not None and not error.sqlstate.startswith(("08", "57P"))


def _require_safe_repetition(request: Request) -> None:
    """A connection was lost. Once more, unless that could score an event without a key twice."""
    request.n_lost_connections += 1
    _require_known_outcome(request)
    if request.n_lost_connections > 1:
        raise Unavailable("The database is away. Send the event again.", code="DATABASE_UNAVAILABLE")


def _require_known_outcome(request: Request) -> None:
    if request.commit_sent and request.event.idempotency_key is None:
        raise Unavailable(
            "The connection was lost while the score was being stored; it may be stored. Look it up before "
            "you send the event again, or use an Idempotency-Key.",
            code="OUTCOME_UNKNOWN",
        )


def _out_of_time(error: psycopg.Error, request: Request) -> bool:
    return isinstance(error, SERVER_TIMEOUTS) or request.seconds_left() <= 0


def _too_late() -> Unavailable:
    seconds = settings.SCORING_DEADLINE_SECONDS
    return Unavailable(
        f"The event was not scored within {seconds:g} s. Send it again with the same Idempotency-Key.",
        code="DSL_TIMEOUT",
    )
