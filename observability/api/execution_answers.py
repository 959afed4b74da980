"""Executions and replays as the API shows them."""

import uuid
from typing import Any

import msgspec

from gameproject.lib import clock
from gameproject.lib.api import json_number
from gameproject.lib.errors import JsonDict
from observability.models import StrategyExecutionLog
from observability.replaying import Replay


class ExecutionAnswer(msgspec.Struct, rename="camel", kw_only=True):
    """A run that was kept. `weight`: how many runs it stands for."""

    execution_id: uuid.UUID
    score_id: uuid.UUID | None
    request_id: str
    status: str
    outcome: str | None
    points: int | float | None
    case_name: str | None
    code: str | None
    node_id: str | None
    path: str | None
    strategy: str | None
    version: int | None
    alias: str
    external_game_id: str | None
    external_task_id: str | None
    external_user_id: str
    duration_seconds: float
    nodes: int
    kind: str
    weight: float
    is_test: bool
    created_at: str


class WholeExecution(ExecutionAnswer, kw_only=True):
    """With what it ran on, and its way: `trace`, of which `nCut` evaluations are not stored."""

    facts: JsonDict
    data: JsonDict
    variables: JsonDict
    trace: list[JsonDict]
    n_cut: int


class ExecutionPage(msgspec.Struct, rename="camel"):
    """`lookedBackTo`: the page ends there for so many executions were looked at; `nextCursor` goes on from there."""

    items: list[ExecutionAnswer]
    next_cursor: str | None
    looked_back_to: str | None


class TracesAnswer(msgspec.Struct, rename="camel"):
    """The executions of a request, and why scores of it have none."""

    request_id: str
    items: list[WholeExecution]
    n_scores: int
    reasons: list[str]


class DifferenceAnswer(msgspec.Struct, rename="camel"):
    name: str
    stored: object
    replayed: object


class ReplayAnswer(msgspec.Struct, rename="camel", kw_only=True):
    """`verdict`: same, different, or not_comparable (a run that timed out); `notes` say what cannot be known."""

    execution_id: uuid.UUID
    version: int
    is_own_version: bool
    verdict: str
    differences: list[DifferenceAnswer]
    notes: list[str]
    result: JsonDict
    message: str | None
    trace: list[JsonDict]


def execution_answer(row: StrategyExecutionLog) -> ExecutionAnswer:
    """Show an execution as lists do; its names must be loaded."""
    return ExecutionAnswer(**_shown(row))


def whole_answer(row: StrategyExecutionLog) -> WholeExecution:
    return WholeExecution(
        **_shown(row),
        facts=row.facts,
        data=row.data,
        variables=row.variables,
        trace=row.trace,
        n_cut=row.n_cut,
    )


def _shown(row: StrategyExecutionLog) -> dict[str, Any]:
    named: Any = row
    same = (
        *("score_id", "request_id", "status", "outcome", "case_name", "code", "node_id", "path", "alias"),
        *("external_user_id", "duration_seconds", "nodes", "kind", "weight", "is_test"),
    )
    return {
        **{name: getattr(row, name) for name in same},
        "execution_id": row.pk,
        "points": None if row.points is None else json_number(row.points),
        "strategy": named.strategy_slug,
        "version": named.version_number,
        "external_game_id": named.game_name,
        "external_task_id": named.task_name,
        "created_at": clock.iso(row.created_at),
    }


def replay_answer(row: StrategyExecutionLog, replay: Replay) -> ReplayAnswer:
    return ReplayAnswer(
        execution_id=row.pk,
        version=replay.version.number,
        is_own_version=replay.is_own_version,
        verdict=replay.verdict,
        differences=[DifferenceAnswer(each.name, each.stored, each.replayed) for each in replay.differences],
        notes=replay.notes,
        result=replay.run.result,
        message=replay.run.message,
        trace=replay.run.trace.entries,
    )
