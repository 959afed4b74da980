"""The ledger's statements, each one round trip: BEGIN with the locking read, COMMIT with the write; or both at once.

They go to libpq as they are, past the ORM and all cursors (four times the scores a second at a sixth of the
CPU: docs/architecture.md). The connection is Django's own, in autocommit mode; it must not be inside
`atomic()`, whose transaction the COMMIT here would end.
"""

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg.pq import TransactionStatus

from gameproject.lib.clock import Day
from gameproject.lib.postgresql import simple_query
from gameproject.lib.postgresql.simple_query import (
    Literal,
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
# Several statements without a BEGIN are a transaction of their own.
AT_ONCE: Final = b"SET LOCAL statement_timeout = %d; SELECT * FROM score_at_once(%s)"


Connection = simple_query.Connection


class Locked(NamedTuple):
    """What `score_lock` returns, in its order. Unread figures are None."""

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


LOCKED_READERS: Final = (
    *(read_uuid, read_bool, int, read_time, read_uuid, read_bytes),
    *(lambda value: Decimal(value.decode()), int, read_date),
    *(int, read_time, read_time, read_time),
    *(int, read_time, read_time),
    int,
)


class OriginLiterals(NamedTuple):
    """An origin in the three parts that `score_write` takes."""

    ids: Literal
    giver: Literal
    variables: Literal


class Origin:
    """Where scores belong and what gives them: the same for all of a task, so it is written as literals once.

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

    @property
    def values(self) -> tuple[object, ...]:
        return *self.ids, *self.giver, self.variables_json

    def literals(self, raw: Connection) -> OriginLiterals:
        if self._literals is None:
            parts = (self.ids, self.giver, (self.variables_json,))
            self._literals = OriginLiterals(*(Literal(simple_query.literals(raw, part)) for part in parts))
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


OUTCOME: Final = NewScore._fields.index("outcome")
INPUTS_DIGEST: Final = NewScore._fields.index("inputs_digest")


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


def lock(
    raw: Connection,
    *,
    realm_id: uuid.UUID,
    game_id: uuid.UUID,
    task_id: uuid.UUID,
    external_user_id: str,
    new_player_id: uuid.UUID,
    idempotency_key: str | None,
    reads: tuple[bool, bool, bool],
    milliseconds: int,
) -> Locked:
    """Begin; lock the player's row in this game; read what the program needs. One round trip.

    `reads` says whether the player's figures on the task, the task's own, and the count of the last 300 s are
    needed. The transaction stays open, also when this raises: `roll_back` it.
    """
    values = (realm_id, game_id, task_id, external_user_id, new_player_id, idempotency_key, *reads)
    result = simple_query.execute(raw, LOCK % (milliseconds, simple_query.literals(raw, values)))
    return Locked._make(simple_query.row(result, LOCKED_READERS))


def write(raw: Connection, new: NewScore, *, milliseconds: int | None) -> None:
    """Write the score, update the running figures, commit. One round trip.

    `milliseconds` replaces the time that `lock` gave to each statement; None leaves it.
    """
    values = simple_query.literals(raw, _in_order(raw, new))
    simple_query.execute(
        raw, WRITE % values if milliseconds is None else WRITE_WITHIN % (milliseconds, values)
    )


def write_at_once(
    raw: Connection, new: NewScore, *, external_user_id: str, epoch: int, day: Day, milliseconds: int
) -> tuple[uuid.UUID, datetime] | None:
    """Lock, write the score, update the running figures, commit: one round trip. Return the player and the time.

    Both are found by the statement; what `new` has for them is not read. None if that is not the way, and nothing was
    changed: the player is new to the game, the realm's configuration has another epoch, the idempotency key was used, or
    the moment of the lock is on another day.
    """
    values = (external_user_id, epoch, day.begins_at, day.ends_at, *_in_order(raw, new))
    result = simple_query.execute(raw, AT_ONCE % (milliseconds, simple_query.literals(raw, values)))
    player_id, scored_at = simple_query.row(result, (read_uuid, read_time))
    return None if player_id is None else (player_id, scored_at)


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
        simple_query.execute(raw, b"ROLLBACK")
    except psycopg.Error:
        disconnect()
