"""A kept run as a row: its trace made by running it again, everything bounded, JSON at the border of the process."""

import uuid
from datetime import datetime
from typing import Any, Final

import msgspec

from gameproject.lib import canonical
from observability.sampling import Kept, Kind
from strategies import dsl, programs

MAX_ROW_BYTES: Final = 64 * 1024


class TraceRow(msgspec.Struct, rename="camel", kw_only=True):
    """A row of `StrategyExecutionLog` as it travels. JSON columns stay text: nobody on the way reads them.

    Fields may be added with a default; a change of a field's meaning needs a new `trace_messages.FORMAT`.
    """

    execution_id: uuid.UUID
    score_id: uuid.UUID | None
    request_id: str
    realm_id: uuid.UUID
    strategy_id: uuid.UUID
    version_id: uuid.UUID
    parent_version_id: uuid.UUID | None
    strategy_type: str
    alias: str
    game_id: uuid.UUID
    task_id: uuid.UUID
    external_user_id: str
    status: str
    outcome: str | None
    code: str | None
    node_id: str | None
    path: str | None
    points: float | None
    case_name: str | None
    duration_seconds: float
    nodes: int
    facts: msgspec.Raw
    data: msgspec.Raw
    variables: msgspec.Raw
    trace: msgspec.Raw
    n_cut: int
    is_test: bool
    kind: Kind
    weight: float
    created_at: datetime


class RowTooLarge(Exception):  # an expected refusal, counted by its reason
    """Even without its trace the row is over 64 KiB."""


def encode_row(kept: Kept, *, trace_limit: int) -> bytes:
    """Run again with a trace, and write the row as JSON of at most 64 KiB. Raises RowTooLarge.

    A trace that does not fit is left out whole, and `n_cut` says how many evaluations are missing.
    """
    trace, nodes = traced(kept, trace_limit=trace_limit)
    encoded = msgspec.json.encode(_row(kept, nodes, trace.entries, trace.cut))
    if len(encoded) > MAX_ROW_BYTES:
        encoded = msgspec.json.encode(_row(kept, nodes, [], len(trace.records)))
    if len(encoded) > MAX_ROW_BYTES:
        raise RowTooLarge
    return encoded


def traced(kept: Kept, *, trace_limit: int) -> tuple[dsl.Trace, int]:
    """Run a program again on the frozen facts; return the trace, up to a failing node, and the nodes visited.

    What timed out has no facts and no trace.
    """
    execution = kept.execution
    trace = dsl.Trace(limit=trace_limit)
    if execution.status == "timeout":
        return trace, execution.nodes
    program = programs.load(execution.version_id).program
    try:
        outcome = dsl.interpret(program, execution.facts, execution.data, execution.variables, trace=trace)
    except dsl.RunError as error:
        return trace, error.nodes
    return trace, outcome.nodes


def _row(kept: Kept, nodes: int, entries: list[dict[str, Any]], n_cut: int) -> TraceRow:
    execution = kept.execution
    same = {name: getattr(execution, name) for name in _SAME}
    return TraceRow(
        **same,
        nodes=nodes,
        facts=_json(execution.facts),
        data=_json(execution.data),
        variables=_json(execution.variables),
        trace=_json(entries),
        n_cut=n_cut,
        kind=kept.kind,
        weight=kept.weight,
    )


def _json(value: object) -> msgspec.Raw:
    return msgspec.Raw(canonical.stored_json(value).encode())


_MADE_HERE: Final = {"nodes", "facts", "data", "variables", "trace", "n_cut", "kind", "weight"}
_SAME: Final = [field for field in TraceRow.__struct_fields__ if field not in _MADE_HERE]
