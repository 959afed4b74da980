"""What a rollup of a day reads does not grow with the age of the ledger: blocks are counted, not time."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.db import connection

from kpi import rolling_up
from kpi.models import KpiMetrics
from kpi.rolling_up import Part
from kpi.sources import Scope
from kpi.tests.past import Happened, Past
from strategies.models import Realm

NOW = datetime(2026, 6, 15, 12, tzinfo=UTC)
A_DAY = 10
YOUNG, OLD = 40, 1000  # days; of the young one too a month before is there, which retention looks at
TABLES = (
    "strategies_score",
    "strategies_player",
    "strategies_playeraction",
    "observability_strategyexecutionlog",
)
# Copies of a table's first row, spread over days, each with an id of its time.
COPY = """
INSERT INTO {table}
SELECT (jsonb_populate_record(NULL::{table}, first || jsonb_build_object(
    'id', (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') || substr(md5(n::text), 13))::uuid,
    'created_at', at {more}))).*
FROM (SELECT to_jsonb(t) AS first FROM {table} t ORDER BY id LIMIT 1) AS first
CROSS JOIN LATERAL (SELECT n, %(now)s - n * interval '1 day' / %(a_day)s AS at
                    FROM generate_series(%(first)s, %(last)s) AS n) AS times
"""
OWN_NAME = ", 'external_id', 'copy ' || n"


@pytest.fixture
def realm(db: None) -> Realm:
    realm = Realm.objects.create(slug="old", name="old", time_zone="UTC")
    at = NOW - timedelta(days=OLD + 1)
    Past([realm], [Happened("score", at, 0), Happened("action", at, 0), Happened("failure", at, 0)]).store()
    return realm


def fill(realm: Realm, first_day: int, last_day: int) -> None:
    """Let so much happen on each of some days, counted back; and let those days have been rolled up."""
    with connection.cursor() as cursor:
        for table in TABLES:
            more = OWN_NAME if table == "strategies_player" else ""
            parameters: dict[str, Any] = {
                "now": NOW,
                "a_day": A_DAY,
                "first": first_day * A_DAY,
                "last": last_day * A_DAY - 1,
            }
            cursor.execute(COPY.format(table=table, more=more), parameters)
    KpiMetrics.objects.bulk_create(
        KpiMetrics(
            realm=of,
            day=(NOW - timedelta(days=n)).date(),
            time_zone="UTC",
            is_provisional=False,
            rolled_up_at=NOW,
        )
        for n in range(max(first_day, 2), last_day)
        for of in (realm, None)
    )
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(TABLES)}, kpi_kpimetrics")


def blocks_read(part: Part) -> Counter[str]:
    """Roll up; return by statement how many blocks it touches."""
    found: Counter[str] = Counter()

    def explain(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        if not many and sql.lstrip().startswith("SELECT"):
            with connection.cursor() as cursor:
                cursor.cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {sql}", params)
                ((plans,),) = cursor.fetchall()
            plan = (json.loads(plans) if isinstance(plans, str) else plans)[0]["Plan"]
            found[" ".join(sql.split())] += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain), time_machine.travel(NOW, tick=False):
        rolling_up.roll_up(part)
    return found


def test_the_blocks_that_a_rollup_reads_do_not_grow_with_the_age_of_the_ledger(realm: Realm) -> None:
    yesterday = (NOW - timedelta(days=1)).date()
    parts = [
        Part(yesterday, rolling_up.UTC, Scope((realm.pk,)), is_provisional=False),
        Part(NOW.date(), rolling_up.UTC, Scope(), is_provisional=True),
    ]
    fill(realm, 0, YOUNG)
    young = [blocks_read(part) for part in parts]
    fill(realm, YOUNG, OLD)
    old = [blocks_read(part) for part in parts]

    for before, after in zip(young, old, strict=True):
        assert len(after) >= 9
        for statement, n_blocks in after.items():
            # A day's rows may each be looked for anew: which index is chosen hangs on what ANALYZE drew.
            more = A_DAY if any(table in statement for table in TABLES) else 2
            assert n_blocks <= 2 * before[statement] + more, (n_blocks, before[statement], statement)
