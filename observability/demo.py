"""The demo's past as its traces would have told it: the runs of the scores that history made, and runs that failed.

What fails, fails as in life: an application sends a number as text, or not at all; and in an incident time runs out.
What is made follows from the scores' keys and ids, so it can be made again and is there once.
"""

import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime
from itertools import islice
from random import Random
from typing import Any, Final

import msgspec
from django.conf import settings

from gameproject.lib.windows import rows_between
from observability import sampling, trace_rows, trace_store
from observability.trace_rows import TraceRow
from strategies import dsl, programs
from strategies.execution import Execution
from strategies.models import Score

SPOILT_SHARE: Final = 0.015
USUAL_SECONDS: Final = 0.0006
SLOWER: Final = 100  # in an incident
N_TIMED_OUT: Final = 2  # in an incident, for each score that came through
DEADLINE_SECONDS: Final = 0.5
ROWS_AT_ONCE: Final = 100
_decode = msgspec.json.Decoder(TraceRow).decode


def trace_past(realm_id: uuid.UUID, begin: datetime, end: datetime, *, mark: str, is_incident: bool) -> None:
    """Store the traces of a realm's scores whose request ids begin with `mark`, at the service's own sample rate."""
    scores = rows_between(Score.objects.filter(realm_id=realm_id, request_id__startswith=mark), begin, end)
    named = scores.select_related("realm", "strategy", "strategy_version", "player")
    rows = _rows(named.iterator(), is_incident=is_incident)
    while some := list(islice(rows, ROWS_AT_ONCE)):
        trace_store.store(some)


def _rows(scores: Iterable[Score], *, is_incident: bool) -> Iterator[TraceRow]:
    for score in scores:
        for execution in _executions(score, is_incident=is_incident):
            kept = sampling.decide(execution, rate=settings.DSL_EXECUTION_LOG_SAMPLE_RATE)
            if kept is not None:
                yield _decode(trace_rows.encode_row(kept, trace_limit=settings.DSL_EXECUTION_LOG_TRACE_LIMIT))


def _executions(score: Score, *, is_incident: bool) -> Iterator[Execution]:
    """Yield the run that gave a score, and those beside it that failed."""
    draw = Random(score.idempotency_key)  # noqa: S311  # lifelike, not secret
    seconds = USUAL_SECONDS * draw.lognormvariate(0, 0.7) * (SLOWER if is_incident else 1)
    execution = _execution(score, seconds)
    yield execution
    if draw.random() < SPOILT_SHARE:
        yield from _spoilt(execution, draw)
    for n in range(1, 1 + N_TIMED_OUT if is_incident else 1):
        yield _failed(
            *(execution, n),
            status="timeout",
            code="DSL_TIMEOUT",
            nodes=0,
            facts={},
            duration_seconds=DEADLINE_SECONDS,
        )


def _spoilt(execution: Execution, draw: Random) -> Iterator[Execution]:
    """Yield the run of the same event with a number missing or sent as text, where the program minds that."""
    numbers = [name for name, value in execution.data.items() if isinstance(value, int | float)]
    if not numbers:
        return
    name = draw.choice(sorted(numbers))
    data = {**execution.data, name: str(execution.data[name])}
    if draw.random() < 0.4:  # less often than not
        del data[name]
    try:
        program = programs.load(execution.version_id).program
        dsl.interpret(program, execution.facts, data, execution.variables)
    except dsl.RunError as error:
        yield _failed(
            *(execution, 0),
            status="error",
            code=str(error.code),
            node_id=error.node_id,
            path=error.path,
            nodes=error.nodes,
            data=data,
        )


def _failed(execution: Execution, n: int, **what: Any) -> Execution:
    """Return a failed run beside one that succeeded: the next id but so many, and no score."""
    own_id = uuid.UUID(int=execution.execution_id.int ^ (n + 1))
    return msgspec.structs.replace(
        execution, execution_id=own_id, score_id=None, outcome=None, points=None, case_name=None, **what
    )


def _execution(score: Score, seconds: float) -> Execution:
    version = score.strategy_version
    same = ("request_id", "realm_id", "strategy_id", "parent_version_id", "alias", "game_id", "task_id")
    given = ("outcome", "case_name", "facts", "data", "variables", "is_test", "created_at")
    return Execution(
        **{name: getattr(score, name) for name in (*same, *given)},
        execution_id=score.pk,
        score_id=score.pk,
        event_name=str(score.idempotency_key),
        realm=score.realm.slug,
        strategy=score.strategy.slug,
        strategy_type=score.strategy.type,
        version_id=version.pk,
        version=version.number,
        external_user_id=score.player.external_id,
        status="ok",
        code=None,
        node_id=None,
        path=None,
        points=float(score.points),
        nodes=0,  # counted when it is run again for its trace
        duration_seconds=seconds,
    )
