"""A score as the API shows it, from the transaction that made it or from the ledger."""

import uuid
from collections.abc import Iterable, Mapping

import msgspec

from gameproject.lib import clock
from gameproject.lib.api import json_number, whole_if_integral
from strategies.models import Score


class BonusAnswer(msgspec.Struct, rename="camel"):
    label: str
    value: float


class ScoreAnswer(msgspec.Struct, rename="camel", kw_only=True):
    """The answer to an event; field by field what docs/api.md lists."""

    score_id: uuid.UUID
    points: int | float
    case_name: str | None
    callback_data: Mapping[str, object]
    bonuses: list[BonusAnswer]
    outcome: str
    strategy: str
    version: int
    alias: str
    experiment: str | None = None
    fallback: Mapping[str, object] | None = None
    replayed: bool = False
    is_test: bool = False
    created_at: str
    request_id: str
    game_id: uuid.UUID
    external_task_id: str
    external_user_id: str
    is_a_created_user: bool = False
    reverses: uuid.UUID | None = None


def score_answer(score: Score, *, replayed: bool = False) -> ScoreAnswer:
    """Show a stored score; its task, player, strategy and version must be loaded."""
    return ScoreAnswer(
        score_id=score.pk,
        points=json_number(score.points),
        case_name=score.case_name,
        callback_data=score.callback_data,
        bonuses=bonus_answers(score.bonuses),
        outcome=score.outcome,
        strategy=score.strategy.slug,
        version=score.strategy_version.number,
        alias=score.alias,
        experiment=score.experiment_arm,
        fallback=score.fallback,
        replayed=replayed,
        is_test=score.is_test,
        created_at=clock.iso(score.created_at),
        request_id=score.request_id,
        game_id=score.game_id,
        external_task_id=score.task.external_id,
        external_user_id=score.player.external_id,
        is_a_created_user=score.created_player,
        reverses=score.reverses_id,
    )


def bonus_answers(bonuses: Iterable[tuple[str, float]]) -> list[BonusAnswer]:
    return [BonusAnswer(label, whole_if_integral(value)) for label, value in bonuses]
