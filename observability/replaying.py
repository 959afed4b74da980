"""A stored execution, run again: by its own version it must give the same, by another one it shows what would differ.

Nothing is counted, sampled or told to observers: a replay is no traffic.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import zip_longest
from typing import Final, Literal

from gameproject.lib import canonical
from gameproject.lib.api import json_number
from gameproject.lib.errors import JsonDict
from observability import audit
from observability.models import StrategyExecutionLog
from strategies import dsl, publishing, variables
from strategies.models import Score, StrategyVersion
from strategies.runs import LIMIT_CODES

Verdict = Literal["same", "different", "not_comparable"]
MASK: Final = "sha256:"
# What another version's run is compared by: its nodes and its trace are its own.
OF_ANY_VERSION: Final = ("status", "outcome", "points", "caseName", "code", "callbackData", "bonuses")


@dataclass(frozen=True, slots=True)
class Run:
    """A run of a program on frozen inputs: what it gave, as JSON, and how."""

    program: dsl.Program
    trace: dsl.Trace
    result: JsonDict
    outcome: dsl.Outcome | None = None
    message: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    name: str
    stored: object
    replayed: object


@dataclass(frozen=True, slots=True)
class Replay:
    """A run by `version`, beside what is stored. `notes` say what the comparison cannot know."""

    version: StrategyVersion
    is_own_version: bool
    verdict: Verdict
    run: Run
    stored: JsonDict
    differences: list[Difference] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def replay(execution: StrategyExecutionLog, version: StrategyVersion) -> Replay:
    """Run an execution's inputs by a version, a draft too, and write down that it was done.

    By its own version everything is compared: the result, the node that failed, the nodes visited, the stored part of
    the trace, and with a score its callback data and bonuses. By another one, what the application would notice.
    A run that timed out has no result to compare: time is not among its inputs.
    Raises Unprocessable and Conflict for a draft that does not validate.
    """
    done = compare(execution, version)
    audit.record(
        event="execution.replayed",
        message=f"Execution {execution.pk} replayed by version {version.number}: {done.verdict}",
        realm_id=execution.realm_id,
        module="executions",
        execution_id=str(execution.pk),
        strategy_id=str(execution.strategy_id),
        version=version.number,
        verdict=done.verdict,
    )
    return done


def compare(execution: StrategyExecutionLog, version: StrategyVersion) -> Replay:
    """Replay without an audit row: for the page that draws the trace, and for tests by the thousand."""
    is_own = version.pk == execution.strategy_version_id
    run = run_again(execution, publishing.program_of(version), is_own_version=is_own)
    stored = stored_result(execution)
    notes = list(_notes(execution, run.program, is_own_version=is_own))
    if execution.status == "timeout":
        return Replay(version, is_own, "not_comparable", run, stored, notes=notes)
    if not is_own:
        stored = _whole(execution, stored)
    found = list(_differences(execution, run, stored, is_own_version=is_own))
    return Replay(version, is_own, "different" if found else "same", run, stored, found, notes)


def run_again(execution: StrategyExecutionLog, program: dsl.Program, *, is_own_version: bool = True) -> Run:
    """Run a program with a full trace; another version gets those of the variables that fit it."""
    values: Mapping[str, object] = execution.variables
    if not is_own_version:
        values = program.resolve_variables(variables.fitting(program, values))
    trace = dsl.Trace(limit=None)
    try:
        outcome = dsl.interpret(program, execution.facts, execution.data, values, trace=trace)
    except dsl.RunError as error:
        return Run(program, trace, _failed(error), message=error.message)
    return Run(program, trace, _succeeded(outcome), outcome)


def _succeeded(outcome: dsl.Outcome) -> JsonDict:
    return {
        "status": "ok",
        "outcome": outcome.kind,
        "points": outcome.points,
        "caseName": outcome.case_name,
        "code": None,
        "nodeId": None,
        "path": None,
        "nodes": outcome.nodes,
        "callbackData": outcome.callback_data,
        "bonuses": [list(bonus) for bonus in outcome.bonuses],
    }


def _failed(error: dsl.RunError) -> JsonDict:
    return {
        "status": "limit" if error.code in LIMIT_CODES else "error",
        "outcome": None,
        "points": None,
        "caseName": None,
        "code": str(error.code),
        "nodeId": error.node_id,
        "path": error.path,
        "nodes": error.nodes,
        "callbackData": None,
        "bonuses": None,
    }


def stored_result(execution: StrategyExecutionLog) -> JsonDict:
    """What is stored of a run's result, with the score's share where there is a score."""
    stored: JsonDict = {
        "status": execution.status,
        "outcome": execution.outcome,
        "points": execution.points,
        "caseName": execution.case_name,
        "code": execution.code,
        "nodeId": execution.node_id,
        "path": execution.path,
        "nodes": execution.nodes,
    }
    score = Score.objects.filter(pk=execution.score_id).first() if execution.score_id else None
    if score is not None:
        stored |= {"callbackData": score.callback_data, "bonuses": score.bonuses}
    return stored


def _whole(execution: StrategyExecutionLog, stored: JsonDict) -> JsonDict:
    """Add what only a run says, where no score holds it."""
    if "bonuses" in stored:
        return stored
    own = run_again(execution, publishing.program_of(execution.strategy_version)).result
    return {**stored, "callbackData": own["callbackData"], "bonuses": own["bonuses"]}


def _differences(
    execution: StrategyExecutionLog, run: Run, stored: JsonDict, *, is_own_version: bool
) -> Iterator[Difference]:
    for name in stored if is_own_version else OF_ANY_VERSION:
        if not _is_same(stored[name], run.result[name]):
            yield Difference(name, _shown(stored[name]), run.result[name])
    if is_own_version:
        for entry, again in zip_longest(execution.trace, run.trace.entries[: len(execution.trace)]):
            if not _is_same(entry, again):
                yield Difference("trace", entry, again)
                return


def _is_same(stored: object, replayed: object) -> bool:
    """Compare by value: points are stored as decimals, JSON knows no negative zero."""
    if isinstance(stored, Decimal) and isinstance(replayed, int | float):
        return stored == Decimal(str(replayed))
    return canonical.stored_json(stored) == canonical.stored_json(replayed)


def _shown(stored: object) -> object:
    return json_number(stored) if isinstance(stored, Decimal) else stored


def _notes(execution: StrategyExecutionLog, program: dsl.Program, *, is_own_version: bool) -> Iterator[str]:
    if execution.status == "timeout":
        yield "The run timed out. That depends on the moment, not on its inputs: there is nothing to compare."
    missing = sorted(set(program.fields) - set(execution.facts))
    if missing:
        yield f"Not frozen with the run, and taken as without history: {', '.join(missing)}."
    masked = sorted(key for key in program.data_keys if str(execution.data.get(key, "")).startswith(MASK))
    if masked:
        yield f"Masked, and only known by a hash: {', '.join(f'data.{key}' for key in masked)}."
    if is_own_version:
        return
    unfit = [name for name, value in execution.variables.items() if not variables.fits(program, name, value)]
    if unfit:
        yield f"Variables that this version does not take with these values: {', '.join(sorted(unfit))}."
