"""The statements of a batch: each reads or writes for all of its events at once.

Locks are taken in one order by everyone: players, then players x games by (player, game), then the tasks'
slots by (task, slot). A loop over the single path in one transaction deadlocks even when its events are
sorted by player, because the slots are taken in between.

Keys go in as one text (an array literal, or JSON): psycopg's dumping of lists was half of the client's CPU.
"""

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, NamedTuple

from gameproject.lib import canonical
from strategies.ledger import Connection, NewScore

BEGIN = "BEGIN; SET LOCAL lock_timeout = {milliseconds}; SET LOCAL statement_timeout = {milliseconds}"
NEW_PLAYERS = """
INSERT INTO strategies_player (id, realm_id, external_id)
SELECT new.id, %(realm)s, new.external_id
FROM jsonb_to_recordset(%(players)s) AS new (id uuid, external_id text)
ORDER BY new.external_id
ON CONFLICT (realm_id, external_id) DO NOTHING RETURNING id
"""
PLAYERS = """
SELECT external_id, id FROM strategies_player
WHERE realm_id = %(realm)s AND external_id IN (SELECT jsonb_array_elements_text(%(names)s))
"""
NEW_PAIRS = """
INSERT INTO strategies_playergamestats (realm_id, player_id, game_id)
SELECT %(realm)s, pair.player, pair.game
FROM unnest(%(players)s::uuid[], %(games)s::uuid[]) AS pair (player, game)
WHERE NOT EXISTS (
    SELECT FROM strategies_playergamestats s WHERE s.player_id = pair.player AND s.game_id = pair.game)
ORDER BY pair.player, pair.game
ON CONFLICT (player_id, game_id) DO NOTHING RETURNING player_id, game_id
"""
LOCK_PAIRS = """
SELECT s.player_id, s.game_id, s.points_total, s.streak_days, s.last_day
FROM strategies_playergamestats s
JOIN unnest(%(players)s::uuid[], %(games)s::uuid[]) AS pair (player, game)
  ON s.player_id = pair.player AND s.game_id = pair.game
ORDER BY s.player_id, s.game_id
FOR NO KEY UPDATE OF s
"""
MOMENT = "SELECT clock_timestamp(), config_epoch FROM strategies_realm WHERE id = %(realm)s"
KEYS = """
SELECT idempotency_key, id, request_hash FROM strategies_score
WHERE realm_id = %(realm)s AND idempotency_key IN (SELECT jsonb_array_elements_text(%(keys)s))
"""
ON_TASKS = """
SELECT s.player_id, s.task_id, s.n_scores, s.first_at, s.last_at, s.previous_at
FROM strategies_playertaskstats s
JOIN unnest(%(players)s::uuid[], %(tasks)s::uuid[]) AS pair (player, task)
  ON s.player_id = pair.player AND s.task_id = pair.task
"""
TASKS = """
SELECT task_id, sum(n_scores)::bigint, min(first_at), max(last_at)
FROM strategies_taskstats WHERE task_id = ANY(%(tasks)s::uuid[]) GROUP BY task_id
"""
RECENT = """
SELECT s.player_id, s.task_id, count(*)
FROM strategies_score s
JOIN unnest(%(players)s::uuid[], %(tasks)s::uuid[]) AS pair (player, task)
  ON s.player_id = pair.player AND s.task_id = pair.task
WHERE s.created_at >= %(since)s AND NOT s.is_test AND s.outcome <> 'reversal'
GROUP BY s.player_id, s.task_id
"""
# An origin's values, then NewScore's own in their order, less the last two, which belong to the running figures.
COPY_SCORES = """
COPY strategies_score (
    realm_id, game_id, task_id, strategy_id, strategy_version_id, parent_version_id, alias, variables,
    id, player_id, outcome, points, case_name, callback_data, bonuses, facts, data, inputs_digest,
    is_test, created_player, session_key, occurred_at, idempotency_key, request_hash, request_id, created_at
) FROM STDIN
"""
OWN = slice(NewScore._fields.index("score_id"), NewScore._fields.index("day"))
WRITE_PAIRS = """
UPDATE strategies_playergamestats s SET
    n_scores = s.n_scores + new.n_scores, points_total = s.points_total + new.points,
    streak_days = new.streak_days, last_day = new.last_day
FROM jsonb_to_recordset(%(rows)s) AS new (
    player uuid, game uuid, n_scores bigint, points numeric, streak_days integer, last_day date)
WHERE s.player_id = new.player AND s.game_id = new.game
"""
WRITE_ON_TASKS = """
INSERT INTO strategies_playertaskstats AS s (
    realm_id, player_id, task_id, n_scores, n_awards, points_total, first_at, last_at, previous_at)
SELECT %(realm)s, new.player, new.task, new.n_scores, new.n_awards, new.points, new.first_at, new.last_at,
       new.previous_at
FROM jsonb_to_recordset(%(rows)s) AS new (
    player uuid, task uuid, n_scores bigint, n_awards bigint, points numeric,
    first_at timestamptz, last_at timestamptz, previous_at timestamptz)
ON CONFLICT (player_id, task_id) DO UPDATE SET
    n_scores = s.n_scores + excluded.n_scores, n_awards = s.n_awards + excluded.n_awards,
    points_total = s.points_total + excluded.points_total,
    last_at = excluded.last_at, previous_at = coalesce(excluded.previous_at, s.last_at)
"""
WRITE_TASKS = """
INSERT INTO strategies_taskstats AS s (
    realm_id, task_id, slot, n_scores, n_awards, points_total, first_at, last_at)
SELECT %(realm)s, new.task, new.slot, new.n_scores, new.n_awards, new.points, new.first_at, new.last_at
FROM jsonb_to_recordset(%(rows)s) AS new (
    task uuid, slot smallint, n_scores bigint, n_awards bigint, points numeric,
    first_at timestamptz, last_at timestamptz)
ORDER BY new.task, new.slot
ON CONFLICT (task_id, slot) DO UPDATE SET
    n_scores = s.n_scores + excluded.n_scores, n_awards = s.n_awards + excluded.n_awards,
    points_total = s.points_total + excluded.points_total,
    first_at = least(s.first_at, excluded.first_at), last_at = greatest(s.last_at, excluded.last_at);
COMMIT
"""
FORGET_PAIRS = """
DELETE FROM strategies_playergamestats s
USING unnest(%(players)s::uuid[], %(games)s::uuid[]) AS pair (player, game)
WHERE s.player_id = pair.player AND s.game_id = pair.game
"""
FORGET_PLAYERS = "DELETE FROM strategies_player WHERE id = ANY(%(players)s::uuid[])"

# Of a player and a game, or a task, as numbers: hashing a UUID takes eight times as long, and a batch looks up ten an event.
Pair = tuple[int, int]


class InGame(NamedTuple):
    """A player's locked figures in a game."""

    points_total: Decimal
    streak_days: int
    last_day: date | None


class OnTask(NamedTuple):
    """A player's figures on a task."""

    n_scores: int
    first_at: datetime
    last_at: datetime
    previous_at: datetime | None


class OfTask(NamedTuple):
    """A task's figures, summed over its slots."""

    n_scores: int
    first_at: datetime
    last_at: datetime


class Moment(NamedTuple):
    """When all locks were held, and the realm's configuration then."""

    scored_at: datetime
    config_epoch: int


def begin(raw: Connection, *, milliseconds: int) -> None:
    raw.cursor().execute(BEGIN.format(milliseconds=milliseconds))


def ensure_players(
    raw: Connection, realm_id: uuid.UUID, names: Collection[str], new_id: Callable[[], uuid.UUID]
) -> tuple[dict[str, uuid.UUID], set[uuid.UUID]]:
    """Find the players by external id, and make those that are missing.

    Returns all ids, and the ids of those that were made.
    """
    found = _players(raw, realm_id, names)
    missing = [name for name in names if name not in found]
    if not missing:
        return found, set()
    rows = [{"external_id": name, "id": new_id()} for name in missing]
    made = _all(raw, NEW_PLAYERS, realm=realm_id, players=_json(rows))
    return found | _players(raw, realm_id, missing), {row[0] for row in made}


def _players(raw: Connection, realm_id: uuid.UUID, names: Collection[str]) -> dict[str, uuid.UUID]:
    return dict(_all(raw, PLAYERS, realm=realm_id, names=_json(list(names))))


def lock_pairs(
    raw: Connection, realm_id: uuid.UUID, pairs: Collection[Pair]
) -> tuple[set[Pair], dict[Pair, InGame]]:
    """Lock the players' rows in their games, made where they are missing, in the one order of locks.

    Returns the pairs whose row was made, and the figures of all.
    """
    keys = _player_game(pairs)
    made: list[Any] = []
    raw.cursor().execute("SAVEPOINT unlocked")
    locked = _all(raw, LOCK_PAIRS, **keys)
    if len(locked) < len(pairs):
        # Let go of those that are there: others may be waiting for them while they hold what is to be made.
        raw.cursor().execute("ROLLBACK TO SAVEPOINT unlocked")
        made = _all(raw, NEW_PAIRS, realm=realm_id, **keys)
        locked = _all(raw, LOCK_PAIRS, **keys)
    return set(map(_pair, made)), {_pair(row): InGame(*row[2:]) for row in locked}


def moment(raw: Connection, realm_id: uuid.UUID) -> Moment:
    """Read the clock after the locks: their order is the order of times."""
    return Moment(*_all(raw, MOMENT, realm=realm_id)[0])


def stored_keys(
    raw: Connection, realm_id: uuid.UUID, keys: Collection[str]
) -> dict[str, tuple[uuid.UUID, bytes]]:
    if not keys:
        return {}
    rows = _all(raw, KEYS, realm=realm_id, keys=_json(list(keys)))
    return {row[0]: (row[1], row[2]) for row in rows}


def figures_on_tasks(raw: Connection, pairs: Collection[Pair]) -> dict[Pair, OnTask]:
    rows = _all(raw, ON_TASKS, **_player_task(pairs)) if pairs else []
    return {_pair(row): OnTask(*row[2:]) for row in rows}


def figures_of_tasks(raw: Connection, tasks: Collection[int]) -> dict[int, OfTask]:
    rows = _all(raw, TASKS, tasks=uuids(tasks)) if tasks else []
    return {row[0].int: OfTask(*row[1:]) for row in rows}


def recent_counts(raw: Connection, pairs: Collection[Pair], since: datetime) -> dict[Pair, int]:
    rows = _all(raw, RECENT, since=since, **_player_task(pairs)) if pairs else []
    return {_pair(row): row[2] for row in rows}


def copy_scores(raw: Connection, scores: Collection[NewScore]) -> None:
    """Write the scores. COPY takes half the time of INSERT; it raises UniqueViolation for a key just used."""
    of_origin = {origin: _cells(origin.values) for origin in {new.origin for new in scores}}
    lines = [f"{of_origin[new.origin]}\t{_cells(tuple(new)[OWN])}\n" for new in scores]
    with raw.cursor().copy(COPY_SCORES) as copy:
        copy.write("".join(lines))


def write_pairs(raw: Connection, rows: list[dict[str, object]]) -> None:
    raw.cursor().execute(WRITE_PAIRS, {"rows": _json(rows)})


def write_on_tasks(raw: Connection, realm_id: uuid.UUID, rows: list[dict[str, object]]) -> None:
    raw.cursor().execute(WRITE_ON_TASKS, {"realm": realm_id, "rows": _json(rows)})


def write_tasks_and_commit(raw: Connection, realm_id: uuid.UUID, rows: list[dict[str, object]]) -> None:
    """Update the slots, last and in their order, because others wait for them; then commit."""
    raw.cursor().execute(WRITE_TASKS, {"realm": realm_id, "rows": _json(rows)})


def forget(raw: Connection, pairs: Collection[Pair], players: Collection[uuid.UUID]) -> None:
    """Unmake rows that this transaction made for events which then were refused."""
    if pairs:
        raw.cursor().execute(FORGET_PAIRS, _player_game(pairs))
    if players:
        raw.cursor().execute(FORGET_PLAYERS, {"players": uuids(player.int for player in players)})


def _pair(row: Sequence[Any]) -> Pair:
    return row[0].int, row[1].int


def uuids(numbers: Iterable[int]) -> str:
    """Write numbers as an array of UUIDs."""
    return "{" + ",".join(map(digits, numbers)) + "}"


def digits(number: int) -> str:
    """Write a number as a UUID."""
    return f"{number:032x}"


def _player_game(pairs: Collection[Pair]) -> dict[str, str]:
    return {"players": uuids(pair[0] for pair in pairs), "games": uuids(pair[1] for pair in pairs)}


def _player_task(pairs: Collection[Pair]) -> dict[str, str]:
    return {"players": uuids(pair[0] for pair in pairs), "tasks": uuids(pair[1] for pair in pairs)}


def _all(raw: Connection, statement: str, **parameters: object) -> list[Any]:
    return raw.cursor().execute(statement, parameters).fetchall()


def _json(value: object) -> str:
    return canonical.encode_json(value)


# ── COPY's text format: written here, since psycopg looks up how to dump each value by its type ───
def _cells(values: Iterable[object]) -> str:
    return "\t".join([CELLS[type(value)](value) for value in values])


def _text(value: str) -> str:
    if "\\" in value or "\n" in value or "\r" in value or "\t" in value:
        return value.translate(ESCAPES)
    return value


ESCAPES: Final = str.maketrans({"\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"})
CELLS: Final[Mapping[type, Callable[[Any], str]]] = {
    str: _text,
    type(None): lambda _: "\\N",
    uuid.UUID: lambda value: value.hex,
    bool: lambda value: "t" if value else "f",
    int: str,
    float: repr,
    datetime: datetime.isoformat,
    bytes: lambda value: "\\\\x" + value.hex(),
}
