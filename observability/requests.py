"""Everything that is known of one request, found by its id; and why something that could be there is not."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet

from gameproject.lib import clock
from observability import drops, executions, sampling
from observability.models import ApiRequests, Logs, StrategyExecutionLog
from strategies.models import Score

MAX_ROWS = 1000  # of each kind: a batch's


@dataclass(frozen=True, slots=True)
class Told:
    """What one request id leads to, oldest first."""

    request_id: str
    scores: list[Score]
    executions: list[StrategyExecutionLog]
    audit_rows: list[Logs]
    records: list[ApiRequests]

    @property
    def is_empty(self) -> bool:
        return not (self.scores or self.executions or self.audit_rows or self.records)


def told_of(request_id: str) -> Told:
    """Find all that bears a request id, up to a thousand rows of each kind."""
    traced = StrategyExecutionLog.objects.filter(request_id=request_id).defer(*executions.LARGE)
    scores = Score.objects.filter(request_id=request_id).select_related(
        "player", "task", "game", "realm", "strategy", "strategy_version"
    )
    return Told(
        request_id,
        list(scores.order_by("pk")[:MAX_ROWS]),
        list(executions.with_names(traced).order_by("pk")[:MAX_ROWS]),
        list(Logs.objects.filter(request_id=request_id).order_by("pk")[:MAX_ROWS]),
        list(ApiRequests.objects.filter(request_id=request_id).order_by("pk")[:MAX_ROWS]),
    )


def executions_of(realm_id: UUID, request_id: str) -> QuerySet[StrategyExecutionLog]:
    rows = StrategyExecutionLog.objects.filter(realm_id=realm_id, request_id=request_id)
    return executions.with_names(rows.defer(*executions.LARGE))


def why_untraced(scores: list[Score], traced: list[StrategyExecutionLog]) -> Iterator[str]:
    """Say why scores have no stored execution, once for each reason."""
    there = {execution.score_id for execution in traced}
    missing = [score for score in scores if score.pk not in there and score.reverses_id is None]
    yield from dict.fromkeys(_why(score, is_alone=len(scores) == 1) for score in missing)


def _why(score: Score, *, is_alone: bool) -> str:
    rate = settings.DSL_EXECUTION_LOG_SAMPLE_RATE
    days = executions.SAMPLES_KEPT_DAYS
    if score.created_at < clock.now() - timedelta(days=days):
        return f"Traces of runs that succeeded are kept for {days} days, and this is older."
    if not settings.DSL_EXECUTION_LOG_ENABLED:
        return "Traces are switched off: DSL_EXECUTION_LOG_ENABLED."
    if score.idempotency_key is None and not is_alone:
        return f"Not sampled, as far as can be said: the sample rate is {_percent(rate)}."
    event_name = score.idempotency_key or f"{score.request_id}:0"
    if not sampling.is_sampled(score.realm_id, event_name, rate=rate):
        return f"Not sampled: the sample rate is {_percent(rate)}, and this event is not among them."
    return f"It was to be kept. {_lost_near(score.created_at)}"


def _percent(rate: float) -> str:
    return f"{rate * 100:g} %"


def _lost_near(at: datetime) -> str:
    lost = drops.lost_between(at - timedelta(minutes=1), at + timedelta(minutes=2))
    if not lost:
        return "It is still on its way, or the sample rate was another one then."
    told = ", ".join(f"{n} ({reason})" for reason, n in lost)
    return f"Traces were lost in those minutes: {told}."
