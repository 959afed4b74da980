"""The ledger against what the clients were told, and the running figures against the ledger, by SQL alone."""

from collections.abc import Mapping
from typing import Any, Final

import psycopg

from ops.drills.load import Acknowledged

# Each query returns what is wrong; %(game)s is the drill's own. `said` and `sent` are temporary tables.
WRONG: Final[Mapping[str, str]] = {
    "acknowledged and not in the ledger, or not as acknowledged": """
        SELECT said.key, said.score_id, said.points, s.id, s.points FROM said
        LEFT JOIN strategies_score s ON s.game_id = %(game)s AND s.idempotency_key = said.key
        WHERE s.id IS DISTINCT FROM said.score_id OR s.points IS DISTINCT FROM said.points
    """,
    "in the ledger more than once": """
        SELECT idempotency_key, count(*) FROM strategies_score WHERE game_id = %(game)s
        GROUP BY idempotency_key HAVING count(*) > 1
    """,
    "in the ledger and never sent": """
        SELECT s.id, s.idempotency_key FROM strategies_score s
        LEFT JOIN sent ON sent.key = s.idempotency_key WHERE s.game_id = %(game)s AND sent.key IS NULL
    """,
    "a player's figures in the game that are not the ledger's": """
        WITH ledger AS (
            SELECT player_id, count(*) AS n, sum(points) AS points,
                   max((created_at AT TIME ZONE 'UTC')::date) AS last_day
            FROM strategies_score WHERE game_id = %(game)s AND NOT is_test GROUP BY player_id)
        SELECT player_id, ledger, figures FROM ledger
        FULL JOIN (SELECT * FROM strategies_playergamestats WHERE game_id = %(game)s) figures USING (player_id)
        WHERE (coalesce(ledger.n, 0), coalesce(ledger.points, 0)) IS DISTINCT FROM
              (figures.n_scores, figures.points_total)
           OR ledger.last_day IS DISTINCT FROM figures.last_day
    """,
    "a player's figures on a task that are not the ledger's": """
        WITH ledger AS (
            SELECT player_id, task_id, count(*) AS n, count(*) FILTER (WHERE outcome = 'award') AS awards,
                   sum(points) AS points, (array_agg(created_at ORDER BY created_at))[1] AS first_at,
                   (array_agg(created_at ORDER BY created_at DESC))[1] AS last_at,
                   (array_agg(created_at ORDER BY created_at DESC))[2] AS previous_at
            FROM strategies_score WHERE game_id = %(game)s AND NOT is_test GROUP BY player_id, task_id)
        SELECT player_id, task_id, ledger, figures FROM ledger
        FULL JOIN (
            SELECT f.* FROM strategies_playertaskstats f
            JOIN strategies_task t ON t.id = f.task_id AND t.game_id = %(game)s) figures
        USING (player_id, task_id)
        WHERE (ledger.n, ledger.awards, ledger.points, ledger.first_at, ledger.last_at, ledger.previous_at)
              IS DISTINCT FROM (figures.n_scores, figures.n_awards, figures.points_total, figures.first_at,
                                figures.last_at, figures.previous_at)
    """,
    "a task's figures that are not the ledger's": """
        WITH ledger AS (
            SELECT task_id, count(*) AS n, count(*) FILTER (WHERE outcome = 'award') AS awards,
                   sum(points) AS points, min(created_at) AS first_at, max(created_at) AS last_at
            FROM strategies_score WHERE game_id = %(game)s AND NOT is_test GROUP BY task_id),
        figures AS (
            SELECT f.task_id, sum(f.n_scores) AS n, sum(f.n_awards) AS awards, sum(f.points_total) AS points,
                   min(f.first_at) AS first_at, max(f.last_at) AS last_at
            FROM strategies_taskstats f JOIN strategies_task t ON t.id = f.task_id AND t.game_id = %(game)s
            GROUP BY f.task_id)
        SELECT task_id, ledger, figures FROM ledger FULL JOIN figures USING (task_id)
        WHERE (ledger.n, ledger.awards, ledger.points, ledger.first_at, ledger.last_at) IS DISTINCT FROM
              (figures.n, figures.awards, figures.points, figures.first_at, figures.last_at)
    """,
    "a count of earlier scores that a program was given wrong": """
        SELECT id, n, before FROM (
            SELECT id, (facts ->> 'user.measurements_count')::bigint AS n,
                   row_number() OVER (PARTITION BY player_id, task_id ORDER BY created_at) - 1 AS before
            FROM strategies_score WHERE game_id = %(game)s AND NOT is_test) counted
        WHERE n <> before
    """,
    "a sum of earlier points that a program was given wrong": """
        SELECT id, given, before FROM (
            SELECT id, (facts ->> 'user.points_total')::numeric AS given,
                   coalesce(sum(points) OVER (PARTITION BY player_id ORDER BY created_at
                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
            FROM strategies_score WHERE game_id = %(game)s AND NOT is_test) summed
        WHERE given <> before
    """,
    "a first-time bonus that was paid twice": """
        SELECT player_id, count(*) FROM strategies_score
        WHERE game_id = %(game)s AND NOT is_test AND case_name = 'FirstTime'
        GROUP BY player_id HAVING count(*) > 1
    """,
}


def audit(
    connection: psycopg.Connection[Any],
    game: str,
    *,
    sent: list[str],
    acknowledged: Mapping[str, Acknowledged],
) -> list[str]:
    """Return a line for each kind of fault in a game's ledger and figures; an empty list if all is right."""
    connection.execute("DROP TABLE IF EXISTS pg_temp.said, pg_temp.sent")
    connection.execute("CREATE TEMPORARY TABLE said (key text PRIMARY KEY, score_id uuid, points numeric)")
    connection.execute("CREATE TEMPORARY TABLE sent (key text PRIMARY KEY)")
    with connection.cursor().copy("COPY said FROM STDIN") as copy:
        for key, told in acknowledged.items():
            copy.write_row((key, told.score_id, told.points))
    with connection.cursor().copy("COPY sent FROM STDIN") as copy:
        for key in sent:
            copy.write_row((key,))
    faults = []
    for what, query in WRONG.items():
        rows = connection.execute(query, {"game": game}).fetchall()
        if rows:
            faults.append(f"{len(rows)} × {what}, such as {rows[0]}")
    return faults


def count(connection: psycopg.Connection[Any], game: str) -> int:
    [(n_scores,)] = connection.execute(
        "SELECT count(*) FROM strategies_score WHERE game_id = %s", [game]
    ).fetchall()
    return int(n_scores)
