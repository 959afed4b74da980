"""Fill what stands beside a ledger: a small trace for each score, audit rows, request records, uptime, days of figures.

Every hundredth run has failed. The audit rows are well formed but their chain is not verified here: hashing two
million rows one after the other would take longer than all measuring. The figures of the last month are rolled up as
beat does it; those of the year before are copies of them.
"""

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Final, LiteralString

import psycopg

from bench import seeding
from bench.progress import Progress
from gameproject.lib.ids import lowest_uuid7
from kpi import hourly, rolling_up
from observability import partitions
from observability.audit_events import EVENTS
from strategies.models import Realm

Part = Mapping[str, object]
DAYS: Final = 30
N_PARTS: Final = 40
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
    CASE WHEN run.n %% 997 = 0 THEN 0.2 ELSE 0.001 + (run.n %% 1000) * 0.000002 END, 5, score.facts, score.data, score.variables,
    '[{"nodeId": "long", "value": true}]', 0, false,
    CASE WHEN run.failed THEN 'error' WHEN run.n %% 997 = 0 THEN 'slow' ELSE 'sampled' END, run.failed,
    CASE WHEN run.failed OR run.n %% 997 = 0 THEN 1 ELSE 20 END, score.created_at
FROM strategies_score score
JOIN strategies_strategy strategy ON strategy.id = score.strategy_id
JOIN strategies_player player ON player.id = score.player_id
CROSS JOIN LATERAL (SELECT abs(hashtext(score.request_id)) AS n) hashed
CROSS JOIN LATERAL (SELECT hashed.n, hashed.n %% 100 = 0 AS failed) run
WHERE score.id >= %(low)s AND score.id < %(high)s
"""
AUDIT: Final[LiteralString] = """
INSERT INTO observability_logs (
    id, realm_id, sequence, level, module, event, message, subject, details_json, api_key, oauth_user_id, staff_user,
    command, task, request_id, created_at, previous_hash, hash)
SELECT uuidv7(moment.at - clock_timestamp()), %(realm)s, row.n + %(after)s, CASE WHEN row.n %% 50 = 0 THEN 'warning' ELSE 'info' END,
    'bench', (%(events)s::text[])[1 + row.n %% %(n_events)s],
    'Changed something, for the ' || row.n || 'th time.', 'strategy:' || md5((row.n %% 1000)::text)::uuid,
    '{"before": {"version": 1}, "after": {"version": 2}}', CASE WHEN row.n %% 3 = 0 THEN 'abcdef012345' ELSE '' END, '',
    CASE WHEN row.n %% 3 > 0 THEN 'user' || row.n %% 50 ELSE '' END, '', '', md5('audit' || row.n), moment.at,
    sha256(((row.n - 1)::text)::bytea), sha256((row.n::text)::bytea)
FROM generate_series(%(first)s::bigint, %(last)s) row(n)
CROSS JOIN LATERAL (SELECT now() - interval '10 minutes' - interval '30 days' * (1 - row.n::float / %(n_rows)s) AS at) moment
"""
HEAD: Final[LiteralString] = """
INSERT INTO observability_auditchain AS head (realm_id, n_rows, last_hash)
SELECT realm_id, sequence, hash FROM observability_logs WHERE sequence = %(n_rows)s + %(after)s
ON CONFLICT (realm_id) DO UPDATE SET n_rows = excluded.n_rows, last_hash = excluded.last_hash
"""
# A thousand requests that the records repeat: nine in ten score, one in fifty fails; most take some ms, a few ten times that.
KINDS_OF_REQUESTS: Final[LiteralString] = """
CREATE UNLOGGED TABLE kind_of_request AS
SELECT n, realm.id AS realm_id, CASE WHEN realm.id IS NULL THEN '' ELSE 'bench' || n % 5 END AS key_prefix,
    (ARRAY['read', 'admin', 'write', 'score', 'score'])[1 + least(n % 50, 4)] AS kind,
    CASE WHEN n % 50 IN (0, 1) THEN 'GET' ELSE 'POST' END AS method,
    (ARRAY['/api/v1/scores/{score}/explain', '/admin/', '/api/v1/games', '/api/v1/scores/batch',
           '/api/v1/games/{game}/tasks/{task}/points'])[1 + least(n % 50, 4)] AS route,
    CASE WHEN n % 199 = 0 THEN 500 WHEN n % 67 = 0 THEN 422 WHEN n % 50 IN (0, 1) THEN 200 ELSE 201 END AS status,
    trunc((2 - 4 * ln((1 + n * 389 % 1000) / 1001.0))::numeric, 1)::float8 AS milliseconds
FROM generate_series(0, 999) n
LEFT JOIN (SELECT id, row_number() OVER (ORDER BY slug <> 'bench', slug) AS place FROM strategies_realm) realm
    ON realm.place = (ARRAY[1, 1, 1, 1, 1, 1, 2, 2, 3, NULL])[1 + n / 7 % 10];
ANALYZE kind_of_request
"""
REQUESTS: Final[LiteralString] = """
INSERT INTO observability_apirequests
    (id, request_id, realm_id, key_prefix, kind, method, route, status, milliseconds, weight, created_at)
SELECT uuidv7(moment.at - clock_timestamp()), md5('record' || row.n), kind.realm_id, kind.key_prefix, kind.kind,
    kind.method, kind.route, kind.status, kind.milliseconds, 1, moment.at
FROM generate_series(%(first)s::bigint, %(last)s) row(n)
JOIN kind_of_request kind ON kind.n = row.n * 7919 %% 1000
CROSS JOIN LATERAL (SELECT %(until)s - interval '30 days' * (1 - row.n::float / %(n_rows)s) AS at) moment
"""
UPTIME: Final[LiteralString] = """
INSERT INTO observability_uptimelogs (minute, dependency, status, milliseconds, reason)
SELECT minute, dependency, CASE WHEN extract(epoch FROM minute)::bigint / 60 % 997 = 0 THEN 'down' ELSE 'up' END, 1.5, ''
FROM generate_series(date_trunc('minute', now()) - interval '90 days', now(), interval '1 minute') minute
CROSS JOIN unnest(ARRAY['database', 'broker', 'worker', 'beat']) dependency
"""
A_YEAR_OF_DAYS: Final[LiteralString] = """
INSERT INTO kpi_kpimetrics ({columns})
SELECT {values} FROM kpi_kpimetrics CROSS JOIN generate_series(1, 12) AS earlier
WHERE NOT is_provisional AND day > CURRENT_DATE - 31
"""


@dataclass(frozen=True)
class Observed:
    """How many rows there are beside the ledger's."""

    n_audit_rows: int
    n_requests: int


def fill(url: str, *, realm: Realm, observed: Observed) -> None:
    """Copy the ledger into the traces and write all the rest, in the database at `url`."""
    _make_partitions()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET maintenance_work_mem = '512MB'; ANALYZE strategies_score, strategies_player")
        _fill_traces(connection, url)
        _fill_audit_trail(connection, url, realm, observed.n_audit_rows)
        _fill_requests(connection, url, observed.n_requests)
        connection.execute(UPTIME)
        _roll_up()
        _copy_days(connection)


def _make_partitions() -> None:
    today = datetime.now(UTC).date()
    for days_ago in range(DAYS + 1, -1, -partitions.DAYS_AHEAD):
        partitions.make_ahead(today - timedelta(days=days_ago))


def _fill_traces(connection: seeding.Connection, url: str) -> None:
    now = datetime.now(UTC)
    bounds = [lowest_uuid7(now - timedelta(days=days)) for days in range(DAYS + 1, -1, -1)]
    parts = [{"low": low, "high": high} for low, high in pairwise(bounds)]
    with seeding.without_indexes(connection, "observability_strategyexecutionlog", label="traces"):
        _fill_by_parts(url, EXECUTIONS, parts, label="traces, by days")


def _fill_audit_trail(connection: seeding.Connection, url: str, realm: Realm, n_rows: int) -> None:
    events = sorted(EVENTS)
    more = {"realm": realm.pk, "after": AFTER, "events": events, "n_events": len(events)}
    with seeding.without_indexes(connection, "observability_logs", label="audit rows"):
        _fill_by_parts(url, AUDIT, _numbered(n_rows, more), label="audit rows, by parts")
    connection.execute(HEAD, {"n_rows": n_rows, "after": AFTER})


def _fill_requests(connection: seeding.Connection, url: str, n_rows: int) -> None:
    """Write records up to some minutes from now: home and lists ask for the last ones while they are measured."""
    connection.execute(KINDS_OF_REQUESTS)
    more = {"until": datetime.now(UTC) + timedelta(minutes=10)}
    with seeding.without_indexes(connection, "observability_apirequests", label="request records"):
        _fill_by_parts(url, REQUESTS, _numbered(n_rows, more), label="request records, by parts")
    connection.execute("DROP TABLE kind_of_request")


def _numbered(n_rows: int, more: Part) -> list[Part]:
    """Cut rows that are numbered from 1 on into parts."""
    bounds = [n_rows * part // N_PARTS for part in range(N_PARTS + 1)]
    return [{**more, "n_rows": n_rows, "first": first + 1, "last": last} for first, last in pairwise(bounds)]


def _fill_by_parts(url: str, statement: LiteralString, parts: Sequence[Part], *, label: str) -> None:
    """Run a statement for each part, on as many connections as there are cores; an interrupt waits for those at work."""

    def fill_one(part: Part) -> None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(statement, part)

    with Progress(label, len(parts)) as progress, ThreadPoolExecutor(os.cpu_count()) as pool:
        try:
            for done in as_completed([pool.submit(fill_one, part) for part in parts]):
                done.result()
                progress.step()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _roll_up() -> None:
    today = datetime.now(UTC).date()
    with Progress("days rolled up", 100) as progress:
        rolling_up.roll_up_days(
            today - timedelta(days=DAYS),
            today,
            progress=lambda share, _day: progress.step(round(100 * share) - progress.done),
        )
    hourly.count_due(datetime.now(UTC))


def _copy_days(connection: seeding.Connection) -> None:
    columns = seeding.columns_of(connection, "kpi_kpimetrics")
    columns.remove("id")
    values = ["day - 31 * earlier" if name == "day" else name for name in columns]
    statement = A_YEAR_OF_DAYS.format(columns=", ".join(columns), values=", ".join(values))
    connection.execute(statement.encode())
