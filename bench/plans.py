"""How PostgreSQL answers a page: the plans of its slowest statements."""

import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Self

from django.db import connection
from django.test import Client

EXPLAIN: Final = "EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) "
READS: Final = ("SELECT", "WITH")
N_STATEMENTS: Final = 3
LEAST_MS: Final = 1.0
MAX_CHARACTERS: Final = 400
PARTITION: Final = re.compile(r"_(\d{8}|default)(?=_|$)")


@dataclass(frozen=True)
class Plan:
    """A statement, and how it was answered: the time in PostgreSQL, its top node, and what was read by what."""

    statement: str
    ms: float
    node: str
    rows: int
    scans: str
    buffers: int

    @classmethod
    def of(cls, statement: str, found: dict[str, Any]) -> Self:
        plan = found["Plan"]
        scans = Counter(
            scan_of(node) for node in nodes(plan) if "Scan" in node["Node Type"] and node["Actual Loops"]
        )
        told = ", ".join(f"{scan} × {n}" if n > 1 else scan for scan, n in scans.most_common())
        return cls(
            statement=" ".join(statement.split())[:MAX_CHARACTERS],
            ms=round(found["Planning Time"] + found["Execution Time"], 1),
            node=plan["Node Type"],
            rows=round(plan["Actual Rows"]),
            scans=told,
            buffers=plan["Shared Hit Blocks"] + plan["Shared Read Blocks"],
        )


def nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for child in plan.get("Plans", ()):
        yield from nodes(child)


def scan_of(node: dict[str, Any]) -> str:
    """Name a scan by what it reads; of partitions, all of a table's alike."""
    what = (
        node.get("Index Name") or node.get("Relation Name") or node.get("CTE Name") or node.get("Alias", "")
    )
    return f"{node['Node Type']} {PARTITION.sub('_*', what)}"


def plans_of(client: Client, path: str) -> list[Plan]:
    """Get a page in this process, and explain what it reads: the slowest few statements."""
    statements: list[tuple[str, Any]] = []

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:  # noqa: FBT001  # Django's signature
        statements.append((sql, params))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        response = client.get(path)
        b"".join(response) if response.streaming else response.content
    reads = [(sql, params) for sql, params in statements if sql.lstrip().upper().startswith(READS)]
    plans = [Plan.of(sql, _explain(sql, params)) for sql, params in reads]
    slowest = sorted(plans, key=lambda plan: plan.ms, reverse=True)[:N_STATEMENTS]
    return [plan for plan in slowest if plan.ms >= LEAST_MS]


def _explain(sql: str, params: Any) -> dict[str, Any]:
    with connection.cursor() as cursor:
        cursor.execute(EXPLAIN + sql, params)
        ((found,),) = cursor.fetchall()
    plan: dict[str, Any] = found[0]
    return plan
