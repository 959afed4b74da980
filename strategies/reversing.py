"""Take a score back: by a compensating score, for the ledger is append only."""

from datetime import datetime

from django.db import transaction
from django.db.models import F

from gameproject.lib import canonical, clock
from gameproject.lib.errors import Conflict
from gameproject.lib.ids import uuid7
from strategies.changes import Change, announce, subject_of
from strategies.models import PlayerGameStats, PlayerTaskStats, Score, TaskStats
from strategies.models.scores import Outcome, slot_of


@transaction.atomic
def reverse_score(*, score: Score, reason: str, request_id: str) -> Score:
    """Write the score's negative, once, and take its points out of all sums.

    Counts stay: the event did happen, and a first-time bonus is not paid again. Raises Conflict for a score
    that is reversed already, and for a reversal.
    """
    if score.outcome == Outcome.REVERSAL:
        raise Conflict("A reversal cannot be reversed. Score a new event.", code="SCORE_IS_REVERSAL")
    # The order of locks of the scoring path: the player's row in the game first, the task's slot last.
    PlayerGameStats.objects.select_for_update(no_key=True).get(
        player_id=score.player_id, game_id=score.game_id
    )
    _require_not_reversed(score)
    reversal = _insert(score, reason=reason, request_id=request_id, at=clock.now())
    if not score.is_test:
        _take_from_sums(score)
    _announce(score, reversal)
    return reversal


def _require_not_reversed(score: Score) -> None:
    existing = Score.objects.filter(reverses_id=score.pk).first()
    if existing is not None:
        raise Conflict(
            "The score was reversed already.",
            code="SCORE_REVERSED",
            params={"scoreId": str(existing.pk)},
        )


def _insert(score: Score, *, reason: str, request_id: str, at: datetime) -> Score:
    nothing = canonical.stored_json({})
    return Score.objects.create(
        id=uuid7(),
        realm_id=score.realm_id,
        game_id=score.game_id,
        task=score.task,
        player=score.player,
        strategy=score.strategy,
        strategy_version=score.strategy_version,
        parent_version_id=score.parent_version_id,
        alias=score.alias,
        outcome=Outcome.REVERSAL,
        points=-score.points,
        case_name=score.case_name,
        callback_data={},
        bonuses=[],
        facts={},
        data={},
        variables={},
        inputs_digest=canonical.digest(nothing, nothing, nothing),
        is_test=score.is_test,
        request_id=request_id,
        reverses_id=score.pk,
        reason=reason,
        created_at=at,
    )


def _take_from_sums(score: Score) -> None:
    less = {"points_total": F("points_total") - score.points}
    PlayerGameStats.objects.filter(player_id=score.player_id, game_id=score.game_id).update(**less)
    PlayerTaskStats.objects.filter(player_id=score.player_id, task_id=score.task_id).update(**less)
    slot = slot_of(score.player.external_id)
    TaskStats.objects.filter(task_id=score.task_id, slot=slot).update(**less)


def _announce(score: Score, reversal: Score) -> None:
    change = Change(
        event="score.reversed",
        message=f"Took the score {score.pk} back.",
        realm_id=score.realm_id,
        module=__name__,
        subject=subject_of(score),
        before={"points": score.points},
        after={"points": 0, "reversal": reversal.pk, "reason": reversal.reason},
    )
    announce(change)
