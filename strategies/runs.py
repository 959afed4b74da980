"""One run of a program for one event: evaluated, and told to the ledger, the observers and the client."""

import time
import uuid
from datetime import UTC, date, datetime
from typing import Final

from gameproject.lib import canonical, clock
from gameproject.lib.api import whole_if_integral
from gameproject.lib.ids import uuid7
from strategies import dsl, events, facts
from strategies.answers import ScoreAnswer, bonus_answers
from strategies.events import Event
from strategies.execution import Execution, Status
from strategies.ledger import NewScore, Snapshot
from strategies.models.scores import slot_of
from strategies.targets import Target

NOBODY_YET: Final = uuid.UUID(int=0)
LIMIT_CODES: Final = frozenset({"DSL_CALLBACK_TOO_LARGE"})


class Run:
    """Evaluated once; then read as often as its result is needed."""

    __slots__ = (
        "_started",
        "day",
        "duration_seconds",
        "event",
        "facts",
        "index",
        "outcome",
        "player_created",
        "player_id",
        "request_id",
        "score_id",
        "scored_at",
        "target",
    )

    def __init__(self, *, target: Target, event: Event, request_id: str, index: int = 0) -> None:
        self.target = target
        self.index = index
        self.event = event
        self.request_id = request_id
        self.score_id = uuid7()
        self.facts: dict[str, object] = {}
        self.duration_seconds = 0.0
        self._started = time.perf_counter()
        self.player_id = NOBODY_YET
        self.player_created = False
        self.scored_at: datetime | None = None
        self.day: date
        self.outcome: dsl.Outcome

    def evaluate(self, snapshot: Snapshot) -> None:
        """Run the program on the facts. Raises dsl.RunError."""
        figures = _figures(snapshot, self.target, self.event)
        self.player_id, self.player_created = snapshot.player_id, snapshot.player_created
        self.scored_at, self.day = snapshot.scored_at, figures.day
        self._run(figures)

    def evaluate_without_facts(self, day: date) -> None:
        """Run a program that names no facts: whatever the figures are, they bear on nothing. Raises dsl.RunError.

        Whose score it is and when it was given is for the caller to set, perhaps later.
        """
        self.day = day
        self._run(None)

    def _run(self, figures: facts.Figures | None) -> None:
        loaded = self.target.loaded
        try:
            if figures is not None:
                self.facts = facts.collect(loaded.program.fields, figures)
            self.outcome = loaded.compiled.run(self.facts, self.event.data, self.target.variables)
        finally:
            self.duration_seconds = time.perf_counter() - self._started

    def new_score(self, fingerprint: bytes | None) -> NewScore:
        """Write the run down as the ledger takes it, with everything that a replay of it needs."""
        target, event, outcome = self.target, self.event, self.outcome
        facts_json = canonical.stored_json(self.facts)
        data_json = canonical.stored_json(events.masked(event.data, target.masked_data_keys))
        return NewScore(
            origin=target.origin,
            score_id=self.score_id,
            player_id=self.player_id,
            outcome=outcome.kind,
            points=outcome.points,
            case_name=outcome.case_name,
            callback_json=canonical.encode_json(outcome.callback_data) if outcome.callback_data else "{}",
            bonuses_json=canonical.encode_json(outcome.bonuses) if outcome.bonuses else "[]",
            facts_json=facts_json,
            data_json=data_json,
            inputs_digest=canonical.digest(facts_json, data_json, target.origin.variables_json),
            is_test=event.is_test,
            created_player=self.player_created,
            session_key=event.session_key,
            # PostgreSQL reads no offset over 16 hours.
            occurred_at=event.occurred_at.astimezone(UTC) if event.occurred_at else None,
            idempotency_key=event.idempotency_key,
            request_hash=fingerprint,
            request_id=self.request_id,
            scored_at=self._at(),
            day=self.day,
            slot=slot_of(event.external_user_id),
        )

    def answer(self) -> ScoreAnswer:
        target, event, outcome = self.target, self.event, self.outcome
        return ScoreAnswer(
            score_id=self.score_id,
            points=whole_if_integral(outcome.points),
            case_name=outcome.case_name,
            callback_data=outcome.callback_data,
            bonuses=bonus_answers(outcome.bonuses),
            outcome=outcome.kind,
            strategy=target.strategy,
            version=target.version,
            alias=target.alias,
            is_test=event.is_test,
            created_at=clock.iso(self._at()),
            request_id=self.request_id,
            game_id=target.game_id,
            external_task_id=target.external_task_id,
            external_user_id=event.external_user_id,
            is_a_created_user=self.player_created,
        )

    def execution(self, error: dsl.RunError | None = None, *, timed_out: bool = False) -> Execution:
        """Describe the run for observers: as it succeeded, as it failed, or as its time ran out."""
        target, event = self.target, self.event
        outcome = None if error or timed_out else self.outcome
        return Execution(
            execution_id=self.score_id,
            score_id=self.score_id if outcome else None,
            request_id=self.request_id,
            event_name=event.idempotency_key or f"{self.request_id}:{self.index}",
            realm_id=target.realm_id,
            realm=target.realm,
            strategy_id=target.strategy_id,
            strategy=target.strategy,
            strategy_type=target.strategy_type,
            version_id=target.version_id,
            version=target.version,
            parent_version_id=target.parent_version_id,
            alias=target.alias,
            game_id=target.game_id,
            task_id=target.task_id,
            external_user_id=event.external_user_id,
            status=_status(error, timed_out=timed_out),
            outcome=outcome.kind if outcome else None,
            code="DSL_TIMEOUT" if timed_out else error.code if error else None,
            node_id=error.node_id if error else None,
            path=error.path if error else None,
            points=outcome.points if outcome else None,
            case_name=outcome.case_name if outcome else None,
            nodes=outcome.nodes if outcome else error.nodes if error else 0,
            duration_seconds=self.duration_seconds,
            facts=self.facts,
            data=events.masked(event.data, target.masked_data_keys),
            variables=target.variables,
            is_test=event.is_test,
            created_at=self._at(),
        )

    def _at(self) -> datetime:
        return self.scored_at or clock.now()


def _status(error: dsl.RunError | None, *, timed_out: bool) -> Status:
    if timed_out:
        return "timeout"
    if error is None:
        return "ok"
    return "limit" if error.code in LIMIT_CODES else "error"


def _figures(snapshot: Snapshot, target: Target, event: Event) -> facts.Figures:
    return facts.Figures(
        scored_at=snapshot.scored_at,
        occurred_at=event.occurred_at,
        time_zone=target.time_zone,
        external_game_id=target.external_game_id,
        external_task_id=target.external_task_id,
        external_user_id=event.external_user_id,
        points_total=snapshot.points_total,
        streak_days=snapshot.streak_days,
        last_day=snapshot.last_day,
        n_scores=snapshot.n_scores,
        first_at=snapshot.first_at,
        last_at=snapshot.last_at,
        previous_at=snapshot.previous_at,
        task_n_scores=snapshot.task_n_scores,
        task_first_at=snapshot.task_first_at,
        task_last_at=snapshot.task_last_at,
        n_recent=snapshot.n_recent,
    )
