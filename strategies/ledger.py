"""The ledger's two statements, each one round trip: BEGIN with the locking read, COMMIT with the write.

They go to psycopg as they are, past the ORM and Django's cursor (four times the scores a second at a sixth
of the CPU: docs/architecture.md). The connection is Django's own, in autocommit mode; it must not be inside
`atomic()`, whose transaction the COMMIT here would end.
"""

import uuid
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

import psycopg
from django.db import connection as django_connection

Connection = psycopg.Connection[Any]

LOCK = """
BEGIN;
SET LOCAL lock_timeout = {milliseconds};
SET LOCAL statement_timeout = {milliseconds};
SELECT * FROM score_lock(%s, %s, %s, %s, %s, %s, %s, %s, %s)
"""
WRITE = """
SET LOCAL statement_timeout = {milliseconds};
SELECT score_write(
    %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s,
    %s, %s);
COMMIT
"""


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


class NewScore(NamedTuple):
    """What `score_write` takes, in its order. JSON as text, points as a number."""

    score_id: uuid.UUID
    realm_id: uuid.UUID
    game_id: uuid.UUID
    task_id: uuid.UUID
    player_id: uuid.UUID
    strategy_id: uuid.UUID
    version_id: uuid.UUID
    parent_version_id: uuid.UUID | None
    alias: str
    outcome: str
    points: float
    case_name: str | None
    callback_json: str
    bonuses_json: str
    facts_json: str
    data_json: str
    variables_json: str
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


def connect() -> Connection:
    """Return this thread's connection, ready to begin."""
    if django_connection.in_atomic_block:
        raise RuntimeError("Scoring has a transaction of its own and cannot run inside atomic().")
    django_connection.ensure_connection()
    raw: Connection = django_connection.connection
    return raw


def disconnect() -> None:
    """Throw this thread's connection away; the next use makes a new one."""
    django_connection.close()


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
    cursor = raw.cursor()
    parameters = (realm_id, game_id, task_id, external_user_id, new_player_id, idempotency_key, *reads)
    cursor.execute(LOCK.format(milliseconds=milliseconds), parameters)
    cursor.set_result(-1)
    row = cursor.fetchone()
    assert row is not None  # noqa: S101  # a function's OUT parameters are always one row
    return Locked._make(row)


def write(raw: Connection, new: NewScore, *, milliseconds: int) -> None:
    """Write the score, update the running figures, commit. One round trip."""
    raw.cursor().execute(WRITE.format(milliseconds=milliseconds), new)


def roll_back(raw: Connection) -> None:
    """Leave the transaction. A connection that cannot even do that is thrown away."""
    try:
        raw.cursor().execute("ROLLBACK")
    except psycopg.Error:
        disconnect()
