"""Fill a ledger with millions of scores, as events over thirty days would have: the figures agree with the rows.

Each row is a copy of a score that was really made, so that facts, variables and digest belong to its version and it
can be explained; player, task, time and keys are its own. Indexes are made afterwards, which takes half the time.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql

from bench import stage
from bench.progress import Progress
from strategies import scoring
from strategies.events import Event
from strategies.models import Game

CHUNK: Final = 25_000
N_PROTOTYPES: Final = 10
Connection = psycopg.Connection[Any]


@dataclass(frozen=True)
class Ledger:
    """How many scores, and over how many players and tasks they spread; each player does `n_tasks_each`.

    `busy_every`: each so-many-th score is of the first player.
    """

    n_scores: int
    n_players: int = 10_000
    n_tasks: int = 100
    n_tasks_each: int = 10
    busy_every: int | None = None


def score_prototypes(world: stage.World, game: Game) -> None:
    """Score the events whose rows are copied."""
    for n in range(N_PROTOTYPES):
        event = Event(
            game=game.external_id, task=f"t{n}", external_user_id=f"p{n}", data={"minutes": 2 * n + 3}
        )
        with stage.patience():
            scoring.score(api_key=world.key, event=event, request_id=f"prototype-{n}")


# A row's own; all other columns are its prototype's. Of n rows each player has every n_players-th.
OWN: Final[dict[str, LiteralString]] = {
    "id": "uuidv7(moment.at - clock_timestamp())",
    "task_id": "task.id",
    "player_id": "player.id",
    "created_at": "moment.at",
    "idempotency_key": "'seed-' || md5(row.n::text || prototype.game_id)",
    "request_id": "md5('request' || row.n || prototype.game_id)",
    "created_player": "row.n < {n_players}",
}
COPY: Final[LiteralString] = """
INSERT INTO strategies_score ({columns})
SELECT {values}
FROM generate_series({first}::bigint, {last}) row(n)
JOIN seeded_player player ON player.n = CASE WHEN row.n % {busy_every} = 0 THEN 0 ELSE row.n * 7919 % {n_players} END
JOIN seeded_task task ON task.game_id = {game} AND task.n = (player.n + row.n / {n_players} % {n_tasks_each}) % {n_tasks}
JOIN prototype ON prototype.game_id = {game} AND prototype.n = row.n % (SELECT count(*) FROM prototype WHERE game_id = {game})
CROSS JOIN LATERAL (SELECT now() - interval '10 minutes' - interval '30 days' * (1 - (row.n + 1.0) / {n_scores}) AS at) moment
ORDER BY row.n
"""
PREPARE: Final[tuple[LiteralString, ...]] = (
    """
    INSERT INTO strategies_player (id, realm_id, external_id)
    SELECT uuidv7(), {realm}, 'p' || n FROM generate_series(0, {n_players} - 1) n ON CONFLICT DO NOTHING
    """,
    "DROP TABLE IF EXISTS seeded_player, seeded_task, prototype",
    """
    CREATE TEMP TABLE seeded_player AS SELECT n::bigint, player.id
    FROM generate_series(0, {n_players} - 1) n
    JOIN strategies_player player ON player.realm_id = {realm} AND player.external_id = 'p' || n
    """,
    """
    CREATE TEMP TABLE seeded_task AS SELECT n::bigint, task.id, task.game_id FROM generate_series(0, {n_tasks} - 1) n
    JOIN strategies_task task ON task.game_id = ANY({games}) AND task.external_id = 't' || n
    """,
    """
    CREATE TEMP TABLE prototype AS SELECT row_number() OVER (PARTITION BY game_id ORDER BY id) - 1 AS n, score.*
    FROM strategies_score score WHERE game_id = ANY({games}) AND request_id LIKE 'prototype-%'
    """,
    "ANALYZE seeded_player, seeded_task, prototype",
)
FIGURES: Final[tuple[LiteralString, ...]] = (
    "DELETE FROM strategies_playergamestats WHERE game_id = {game}",
    "DELETE FROM strategies_playertaskstats USING strategies_task task WHERE task.id = task_id AND game_id = {game}",
    "DELETE FROM strategies_taskstats USING strategies_task task WHERE task.id = task_id AND game_id = {game}",
    """
    INSERT INTO strategies_playergamestats (realm_id, game_id, player_id, n_scores, points_total, streak_days, last_day)
    SELECT realm_id, game_id, player_id, count(*), sum(points), 1, max(created_at)::date
    FROM strategies_score WHERE game_id = {game} GROUP BY realm_id, game_id, player_id
    """,
    """
    INSERT INTO strategies_playertaskstats
        (realm_id, task_id, player_id, n_scores, n_awards, points_total, first_at, last_at, previous_at)
    SELECT realm_id, task_id, player_id, count(*), count(*) FILTER (WHERE outcome = 'award'), sum(points),
        min(created_at), max(created_at), (array_agg(created_at ORDER BY created_at DESC))[2]
    FROM strategies_score WHERE game_id = {game} GROUP BY realm_id, task_id, player_id
    """,
    """
    INSERT INTO strategies_taskstats (realm_id, task_id, slot, n_scores, n_awards, points_total, first_at, last_at)
    SELECT score.realm_id, task_id, crc32(player.external_id::bytea) % 8, count(*),
        count(*) FILTER (WHERE outcome = 'award'), sum(points), min(score.created_at), max(score.created_at)
    FROM strategies_score score JOIN strategies_player player ON player.id = player_id
    WHERE game_id = {game} GROUP BY 1, 2, 3
    """,
)


def seed(url: str, games: Sequence[Game], ledger: Ledger, *, label: str) -> None:
    """Fill the ledgers of a realm's games in the database at `url`."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET maintenance_work_mem = '512MB'; SET work_mem = '256MB'")
        fill(connection, games, ledger, label=label)


def fill(connection: Connection, games: Sequence[Game], ledger: Ledger, *, label: str) -> None:
    """Copy each game's prototypes into so many scores, and compute the running figures from them.

    The games take turns, so that rows lie on disk in order of time, as scored ones do.
    """
    parameters = {
        **{name: sql.Literal(value) for name, value in vars(ledger).items()},
        "realm": sql.Literal(games[0].realm_id),
        "games": sql.Literal([game.pk for game in games]),
    }
    for statement in PREPARE:
        connection.execute(sql.SQL(statement).format(**parameters))
    with (
        without_indexes(connection, "strategies_score", label=label),
        Progress(label, ledger.n_scores * len(games)) as progress,
    ):
        _copy_rows(connection, games, ledger, parameters, progress)
    with Progress(f"{label}, figures", len(FIGURES) * len(games)) as progress:
        for game in games:
            for statement in FIGURES:
                connection.execute(sql.SQL(statement).format(game=sql.Literal(game.pk)))
                progress.step()


def _copy_rows(
    connection: Connection,
    games: Sequence[Game],
    ledger: Ledger,
    parameters: dict[str, sql.Literal],
    progress: Progress,
) -> None:
    columns = columns_of(connection, "strategies_score")
    values = [
        sql.SQL(OWN[name]).format(**parameters) if name in OWN else sql.Identifier("prototype", name)
        for name in columns
    ]
    names, shown = sql.SQL(", ").join(map(sql.Identifier, columns)), sql.SQL(", ").join(values)
    for first in range(0, ledger.n_scores, CHUNK):
        last = min(first + CHUNK, ledger.n_scores) - 1
        bounds = {"first": sql.Literal(first), "last": sql.Literal(last)}
        for game in games:
            of_game = {**parameters, **bounds, "game": sql.Literal(game.pk)}
            connection.execute(sql.SQL(COPY).format(columns=names, values=shown, **of_game))
            progress.step(last - first + 1)


def columns_of(connection: Connection, table: str) -> list[str]:
    """Name the columns of a table that a row is given."""
    found = connection.execute(
        "SELECT column_name FROM information_schema.columns WHERE table_name = %s "
        "AND table_schema = 'public' AND is_generated = 'NEVER' ORDER BY ordinal_position",
        [table],
    )
    return [name for (name,) in found]


@contextmanager
def without_indexes(connection: Connection, table: str, *, label: str) -> Iterator[None]:
    """Let a table be filled without its indexes, but for those of its constraints; make them again."""
    definitions = _drop_indexes(connection, table)
    yield
    with Progress(f"{label}, indexes", len(definitions)) as progress:
        for definition in definitions:
            # Of a partitioned table: those of its partitions with it.
            connection.execute(definition.replace(" ON ONLY ", " ON ").encode())
            progress.step()


def _drop_indexes(connection: Connection, table: str) -> list[str]:
    """Drop a table's indexes, but for those of its constraints; return how to make them again."""
    found = connection.execute(
        "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = %(table)s "
        "AND indexname NOT IN (SELECT conname FROM pg_constraint WHERE conrelid = %(table)s::text::regclass)",
        {"table": table},
    ).fetchall()
    for name, _definition in found:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    return [definition for _name, definition in found]
