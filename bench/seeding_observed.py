"""Fill the traces and the audit trail beside a ledger: one small trace for each score, and as many audit rows.

Every hundredth run has failed. The audit rows are well formed but their chain is not verified here: hashing two
million rows one after the other would take longer than all measuring.
"""

from datetime import UTC, datetime, timedelta
from typing import Final, LiteralString

import psycopg

from bench.progress import Progress
from observability import partitions
from observability.audit_events import EVENTS

DAYS: Final = 31
CHUNKS: Final = 20
AFTER: Final = 1000  # places in the chain that what made the world may have taken
EXECUTIONS: Final[LiteralString] = """
INSERT INTO observability_strategyexecutionlog (
    id, score_id, request_id, realm_id, strategy_id, strategy_version_id, strategy_type, alias, game_id, task_id,
    external_user_id, status, outcome, code, node_id, path, points, case_name, duration_seconds, nodes,
    facts, data, variables, trace, n_cut, is_test, kind, is_error, weight, created_at)
SELECT score.id, CASE WHEN run.failed THEN NULL ELSE score.id END, score.request_id, score.realm_id, score.strategy_id,
    score.strategy_version_id, strategy.type, score.alias, score.game_id, score.task_id, player.external_id,
    CASE WHEN run.failed THEN 'error' ELSE 'ok' END, CASE WHEN run.failed THEN NULL ELSE score.outcome END,
    CASE WHEN run.failed THEN 'DSL_ARITH_DIV_BY_ZERO' END, CASE WHEN run.failed THEN 'long' END,
    CASE WHEN run.failed THEN '/rules/0/when' END, CASE WHEN run.failed THEN NULL ELSE score.points END, score.case_name,
    CASE WHEN run.n % 997 = 0 THEN 0.2 ELSE 0.002 END, 5, score.facts, score.data, score.variables,
    '[{"nodeId": "long", "value": true}]', 0, false,
    CASE WHEN run.failed THEN 'error' WHEN run.n % 997 = 0 THEN 'slow' ELSE 'sampled' END, run.failed,
    CASE WHEN run.failed OR run.n % 997 = 0 THEN 1 ELSE 20 END, score.created_at
FROM strategies_score score
JOIN strategies_strategy strategy ON strategy.id = score.strategy_id
JOIN strategies_player player ON player.id = score.player_id
CROSS JOIN LATERAL (SELECT abs(hashtext(score.request_id)) AS n) hashed
CROSS JOIN LATERAL (SELECT hashed.n, hashed.n % 100 = 0 AS failed) run
WHERE hashed.n % %(chunks)s = %(chunk)s
"""
AUDIT: Final[LiteralString] = """
INSERT INTO observability_logs (
    id, realm_id, sequence, level, module, event, message, subject, details_json, api_key, oauth_user_id, staff_user,
    command, task, request_id, created_at, previous_hash, hash)
SELECT uuidv7(moment.at - clock_timestamp()), realm.id, row.n + %(after)s, 'info', 'bench', (%(events)s::text[])[1 + row.n %% %(n_events)s],
    'Changed something, for the ' || row.n || 'th time.', 'strategy:' || md5((row.n %% 1000)::text)::uuid,
    '{"before": {"version": 1}, "after": {"version": 2}}', CASE WHEN row.n %% 3 = 0 THEN 'abcdef012345' ELSE '' END, '',
    CASE WHEN row.n %% 3 > 0 THEN 'user' || row.n %% 50 ELSE '' END, '', '', md5('audit' || row.n), moment.at,
    sha256(((row.n - 1)::text)::bytea), sha256((row.n::text)::bytea)
FROM generate_series(%(first)s::bigint, %(last)s) row(n)
CROSS JOIN (SELECT id FROM strategies_realm ORDER BY id LIMIT 1) realm
CROSS JOIN LATERAL (SELECT now() - interval '10 minutes' - interval '30 days' * (1 - row.n::float / %(n_rows)s) AS at) moment
"""
HEAD: Final[LiteralString] = """
INSERT INTO observability_auditchain AS head (realm_id, n_rows, last_hash)
SELECT realm_id, sequence, hash FROM observability_logs WHERE sequence = %(n_rows)s + %(after)s
ON CONFLICT (realm_id) DO UPDATE SET n_rows = excluded.n_rows, last_hash = excluded.last_hash
"""


def fill(url: str, *, n_audit_rows: int) -> None:
    """Copy the ledger into the traces and write an audit trail, in the database at `url`."""
    _make_partitions()
    with psycopg.connect(url, autocommit=True) as connection:
        with Progress("traces", CHUNKS) as progress:
            for chunk in range(CHUNKS):
                # Not psycopg's parameters: the statement is full of remainders.
                statement = EXECUTIONS.replace("%(chunks)s", str(CHUNKS)).replace("%(chunk)s", str(chunk))
                connection.execute(statement.encode())
                progress.step()
        with Progress("audit rows", CHUNKS) as progress:
            for chunk in range(CHUNKS):
                connection.execute(AUDIT, _chunk(chunk, n_audit_rows))
                progress.step()
        connection.execute(HEAD, {"n_rows": n_audit_rows, "after": AFTER})


def _make_partitions() -> None:
    today = datetime.now(UTC).date()
    for days_ago in range(DAYS, -1, -partitions.DAYS_AHEAD):
        partitions.make_ahead(today - timedelta(days=days_ago), partitions.EXECUTIONS)


def _chunk(chunk: int, n_rows: int) -> dict[str, object]:
    of_chunk = n_rows // CHUNKS
    last = n_rows if chunk == CHUNKS - 1 else (chunk + 1) * of_chunk
    events = sorted(EVENTS)
    return {
        "first": chunk * of_chunk + 1,
        "last": last,
        "n_rows": n_rows,
        "after": AFTER,
        "events": events,
        "n_events": len(events),
    }
