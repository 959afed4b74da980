"""The ledger's statements, each one round trip: a look, and a write of what still holds; or BEGIN with a locking read, and
COMMIT with the write.

They go to libpq as they are, past the ORM and all cursors (four times the scores a second at a sixth of the
CPU: docs/architecture.md). The connection is Django's own, in autocommit mode; it must not be inside
`atomic()`, whose transaction the COMMIT here would end.
"""

import functools
import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg.pq import TransactionStatus

from gameproject.lib.clock import Day
from gameproject.lib.postgresql import libpq
from gameproject.lib.postgresql.libpq import (
    Literal,
    Parameter,
    Prepared,
    read_bool,
    read_bytes,
    read_date,
    read_time,
    read_uuid,
)

# `statement_timeout` ends a wait for a lock too.
LOCK: Final = b"BEGIN; SET LOCAL statement_timeout = %d; SELECT * FROM score_lock(%s)"
WRITE: Final = b"SELECT score_write(%s); COMMIT"
WRITE_WITHIN: Final = b"SET LOCAL statement_timeout = %d; " + WRITE


WRITE_IF_UNCHANGED: Final = Prepared(
    f"SELECT score_if_unchanged({', '.join(f'${place}' for place in range(1, 33))})"
)
# What is seen is seen at one moment, and the clock is read after it: later than all scores that the figures tell of.
LOOK: Final = """
SELECT p.id, false, r.config_epoch, moment.now, {stored}, s.points_total, s.streak_days, s.last_day,
       {on_task}, {of_task}, {recent}, s.xmin
FROM (SELECT clock_timestamp() AS now) AS moment
JOIN strategies_realm r ON r.id = $1
JOIN strategies_player p ON p.realm_id = r.id AND p.external_id = $4
JOIN strategies_playergamestats s ON s.player_id = p.id AND s.game_id = $2
"""
STORED: Final = """
LEFT JOIN strategies_score k ON k.realm_id = $1 AND k.idempotency_key = $5
"""
ON_TASK: Final = """
LEFT JOIN strategies_playertaskstats t ON t.player_id = p.id AND t.task_id = $3
"""
OF_TASK: Final = """
CROSS JOIN (
    SELECT sum(n_scores)::bigint AS n_scores, min(first_at) AS first_at, max(last_at) AS last_at
    FROM strategies_taskstats WHERE task_id = $3
) AS a
"""
# The time of the statement is a little earlier, and known when it is planned: of `moment` PostgreSQL would take it that
# a third of all scores are younger, and read them all.
RECENT: Final = """
CROSS JOIN LATERAL (
    SELECT count(*) AS n FROM strategies_score c
    WHERE c.player_id = p.id AND c.task_id = $3
      AND c.created_at >= statement_timestamp() - interval '300 seconds'
      AND c.created_at >= moment.now - interval '300 seconds'
      AND NOT c.is_test AND c.outcome <> 'reversal'
) AS c
"""

Connection = libpq.Connection
# The player's figures on the task, the task's own, the count of the last 300 s.
Reads = tuple[bool, bool, bool]


class Snapshot(NamedTuple):
    """What `score_lock` and a look return, in their order. Unread figures are None."""

    player_id: uuid.UUID
    player_created: bool
    config_epoch: int | None
    scored_at: datetime
    stored_id: uuid.UUID | None
    stored_hash: bytes | None
    points_total: Decimal
    streak_days: int
    last_day: date | None
    n_scores: int | None
    first_at: datetime | None
    last_at: datetime | None
    previous_at: datetime | None
    task_n_scores: int | None
    task_first_at: datetime | None
    task_last_at: datetime | None
    n_recent: int | None


class Seen(NamedTuple):
    """What was read without a lock, and the version of the row that tells whether it still holds."""

    snapshot: Snapshot
    row_version: int


SNAPSHOT_READERS: Final = (
    *(read_uuid, read_bool, int, read_time, read_uuid, read_bytes),
    *(lambda value: Decimal(value.decode()), int, read_date),
    *(int, read_time, read_time, read_time),
    *(int, read_time, read_time),
    int,
)
SEEN_READERS: Final = (*SNAPSHOT_READERS, int)


class OriginLiterals(NamedTuple):
    """An origin in the three parts that `score_write` takes."""

    ids: Literal
    giver: Literal
    variables: Literal


class Origin:
    """Where scores belong and what gives them: the same for all of a task, so it is written for PostgreSQL once.

    Equal to itself alone, so that looking it up costs no hashing of UUIDs.
    """

    def __init__(
        self,
        *,
        realm_id: uuid.UUID,
        game_id: uuid.UUID,
        task_id: uuid.UUID,
        strategy_id: uuid.UUID,
        version_id: uuid.UUID,
        parent_version_id: uuid.UUID | None,
        alias: str,
        variables_json: str,
    ) -> None:
        self.ids = (realm_id, game_id, task_id)
        self.giver = (strategy_id, version_id, parent_version_id, alias)
        self.variables_json = variables_json
        self._literals: OriginLiterals | None = None
        self._parameters: list[Parameter] | None = None

    @property
    def values(self) -> tuple[object, ...]:
        return *self.ids, *self.giver, self.variables_json

    def parameters(self) -> list[Parameter]:
        if self._parameters is None:
            self._parameters = libpq.parameters(self.values)
        return self._parameters

    def literals(self, raw: Connection) -> OriginLiterals:
        if self._literals is None:
            parts = (self.ids, self.giver, (self.variables_json,))
            self._literals = OriginLiterals(*(Literal(libpq.literals(raw, part)) for part in parts))
        return self._literals


class NewScore(NamedTuple):
    """A score to be written: where it belongs, then its own values in `score_write`'s order. JSON as text."""

    origin: Origin
    score_id: uuid.UUID
    player_id: uuid.UUID
    outcome: str
    points: float
    case_name: str | None
    callback_json: str
    bonuses_json: str
    facts_json: str
    data_json: str
    inputs_digest: bytes
    is_test: bool
    created_player: bool
    session_key: str | None
    occurred_at: datetime | None
    idempotency_key: str | None
    request_hash: bytes | None
    request_id: str
    scored_at: datetime
    day: date
    slot: int


OUTCOME, INPUTS_DIGEST, CREATED_PLAYER, SESSION_KEY, SCORED_AT = map(
    NewScore._fields.index,
    ("outcome", "inputs_digest", "created_player", "session_key", "scored_at"),
)


def connect() -> Connection:
    """Return this thread's connection, ready to begin."""
    wrapper = connections[DEFAULT_DB_ALIAS]  # once: each look costs 3 µs
    if wrapper.in_atomic_block:
        raise RuntimeError("Scoring has a transaction of its own and cannot run inside atomic().")
    wrapper.ensure_connection()
    raw: Connection = wrapper.connection
    return raw


def disconnect() -> None:
    """Throw this thread's connection away; the next use makes a new one."""
    connections[DEFAULT_DB_ALIAS].close()


def look(
    raw: Connection,
    origin: Origin,
    *,
    external_user_id: str,
    idempotency_key: str | None,
    reads: Reads,
    milliseconds: int,
) -> Seen | None:
    """Read what the program needs, and lock nothing. One round trip. None if the player is new to the game."""
    has_key = idempotency_key is not None
    of_event = libpq.parameters([external_user_id, idempotency_key] if has_key else [external_user_id])
    parameters = [*origin.parameters()[: len(origin.ids)], *of_event]
    result = _look_at(reads, has_key=has_key).execute(raw, parameters, milliseconds=milliseconds)
    if not result.ntuples:
        return None
    *figures, row_version = libpq.row(result, SEEN_READERS)
    return Seen(Snapshot._make(figures), row_version)


@functools.cache
def _look_at(reads: Reads, *, has_key: bool) -> Prepared:
    """Write the statement that reads these figures, and the score that a key may have."""
    on_task, of_task, recent = reads
    columns = LOOK.format(
        stored="k.id, k.request_hash" if has_key else "NULL, NULL",
        on_task="t.n_scores, t.first_at, t.last_at, t.previous_at" if on_task else "NULL, NULL, NULL, NULL",
        of_task="a.n_scores, a.first_at, a.last_at" if of_task else "NULL, NULL, NULL",
        recent="c.n" if recent else "NULL",
    )
    parts = ((STORED, has_key), (ON_TASK, on_task), (OF_TASK, of_task), (RECENT, recent))
    task_is_known = (
        "WHERE $3::uuid IS NOT NULL"  # or the parameter would have no type where nothing of the task is read
    )
    return Prepared(columns + "".join(part for part, is_read in parts if is_read) + task_is_known)


def write_if_unchanged(
    raw: Connection, new: NewScore, *, row_version: int, epoch: int, milliseconds: int
) -> bool:
    """Write the score and update the running figures, in one round trip, if what was seen holds; say whether it does."""
    of_event = libpq.parameters((None, epoch, None, None, new.player_id, row_version, new.scored_at))
    return _write_if_unchanged(raw, of_event, new, milliseconds) is not None


def write_unseen(
    raw: Connection, new: NewScore, *, external_user_id: str, epoch: int, day: Day, milliseconds: int
) -> datetime | None:
    """Do so for a score that rests on no figures, and return its time.

    Player and time are found by the statement; what `new` has for them is not read. None if that is not the way, and nothing was
    changed: the player is new to the game, the realm's configuration has another epoch, the idempotency key was used, or
    the moment of the lock is on another day.
    """
    of_event = [*libpq.parameters((external_user_id, epoch)), *_bounds(day), None, None, None]
    return _write_if_unchanged(raw, of_event, new, milliseconds)


@functools.lru_cache(maxsize=100)
def _bounds(day: Day) -> list[Parameter]:
    return libpq.parameters((day.begins_at, day.ends_at))


def _write_if_unchanged(
    raw: Connection, of_event: list[Parameter], new: NewScore, milliseconds: int
) -> datetime | None:
    own = (new.score_id, *new[OUTCOME:CREATED_PLAYER], *new[SESSION_KEY:SCORED_AT], new.day, new.slot)
    parameters = [*of_event, *new.origin.parameters(), *libpq.parameters(own)]
    result = WRITE_IF_UNCHANGED.execute(raw, parameters, milliseconds=milliseconds)
    scored_at: datetime | None = libpq.row(result, (read_time,))[0]
    return scored_at


def lock(
    raw: Connection,
    origin: Origin,
    *,
    external_user_id: str,
    new_player_id: uuid.UUID,
    idempotency_key: str | None,
    reads: Reads,
    milliseconds: int,
) -> Snapshot:
    """Begin; lock the player's row in this game; read what the program needs. One round trip.

    The transaction stays open, also when this raises: `roll_back` it.
    """
    values = (origin.literals(raw).ids, external_user_id, new_player_id, idempotency_key, *reads)
    result = libpq.execute(raw, LOCK % (milliseconds, libpq.literals(raw, values)))
    return Snapshot._make(libpq.row(result, SNAPSHOT_READERS))


def write(raw: Connection, new: NewScore, *, milliseconds: int | None) -> None:
    """Write the score, update the running figures, commit. One round trip.

    `milliseconds` replaces the time that `lock` gave to each statement; None leaves it.
    """
    values = libpq.literals(raw, _in_order(raw, new))
    libpq.execute(raw, WRITE % values if milliseconds is None else WRITE_WITHIN % (milliseconds, values))


def _in_order(raw: Connection, new: NewScore) -> tuple[object, ...]:
    """Return the values that `score_write` takes, in its order."""
    origin = new.origin.literals(raw)
    return (
        *(new.score_id, origin.ids, new.player_id, origin.giver),
        *new[OUTCOME:INPUTS_DIGEST],
        origin.variables,
        *new[INPUTS_DIGEST:],
    )


def roll_back(raw: Connection) -> None:
    """Leave the transaction, if there is one. A connection that cannot even do that is thrown away."""
    if raw.pgconn.transaction_status == TransactionStatus.IDLE:
        return
    try:
        libpq.execute(raw, b"ROLLBACK")
    except psycopg.Error:
        disconnect()
