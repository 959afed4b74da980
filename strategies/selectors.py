"""Reads that are used twice, or that have a reason. Every one is bound to a realm."""

import re
import uuid
from collections.abc import Iterable, Sequence
from typing import TypeVar

from django.db.models import Q, QuerySet

from gameproject.lib.errors import Conflict, NotFound
from strategies.models import Alias, Game, Player, Score, Strategy, StrategyVersion, Task
from strategies.models.strategies import PRODUCTION

Named = TypeVar("Named", Game, Task)
DEFAULT_STRATEGY = "default"
# What can be an external id at all; anything else is not there, and PostgreSQL is not asked (it refuses NUL).
EXTERNAL_ID = re.compile(r"[^/\x00-\x1f\x7f-\x9f]{1,200}")


def game_by_name(realm_id: uuid.UUID, name: str) -> Game:
    """Find a game by UUID or external id. Raises NotFound, for another realm's too."""
    games = Game.objects.filter(realm_id=realm_id).select_related("strategy", "realm")
    game = _by_name(games, name)
    if game is None:
        raise NotFound("There is no such game.", code="GAME_NOT_FOUND", params={"game": name[:200]})
    return game


def task_by_name(game: Game, name: str) -> Task:
    """Find a game's task by UUID or external id. Raises NotFound."""
    task = _by_name(Task.objects.filter(game=game).select_related("strategy"), name)
    if task is None:
        raise NotFound("There is no such task.", code="TASK_NOT_FOUND", params={"task": name[:200]})
    return task


def task_by_id(realm_id: uuid.UUID, name: str) -> Task:
    """Find a task by its UUID alone. Raises NotFound, for another realm's too, and for an external id."""
    by_id = as_uuid(name)
    task = Task.objects.filter(realm_id=realm_id, pk=by_id).first() if by_id is not None else None
    if task is None:
        raise NotFound(
            "There is no such task. A task's external id needs its game beside it.",
            code="TASK_NOT_FOUND",
            params={"task": name[:200]},
        )
    return task


def player_by_name(realm_id: uuid.UUID, name: str) -> Player:
    """Find a player by external id. Raises NotFound."""
    known = Player.objects.filter(realm_id=realm_id, external_id=name) if EXTERNAL_ID.fullmatch(name) else ()
    for player in known:
        return player
    raise NotFound("There is no such player.", code="PLAYER_NOT_FOUND", params={"user": name[:200]})


def newest_scores(players: Sequence[Player | uuid.UUID], limit: int) -> QuerySet[Score]:
    """Return the newest scores of players, latest first: the first `limit` are to be taken.

    Their index has the times, but in order within a task only. So it is read alone to find out since when there are so
    many: a busy player's rows lie all over the ledger, and reading each of 20,000 takes a third of a second.
    """
    scores = Score.objects.filter(player__in=players).order_by("-created_at")
    times = scores.values_list("created_at", flat=True)[limit - 1 : limit]
    return scores.filter(created_at__gte=since) if (since := next(iter(times), None)) else scores


def strategies_seen_by(realm_id: uuid.UUID) -> QuerySet[Strategy]:
    return Strategy.objects.filter(Q(realm_id=realm_id) | Q(realm=None))


def strategy_by_name(realm_id: uuid.UUID, name: str) -> Strategy:
    """Find a strategy by UUID or slug, the realm's own before a built-in one. Raises NotFound."""
    seen = strategies_seen_by(realm_id).select_related("parent")
    by_id = as_uuid(name)
    if by_id is not None:
        found = seen.filter(pk=by_id).first()
    else:
        found = seen.filter(slug=name[:200].replace("\0", "")).order_by("realm_id").first()
    if found is None:
        raise NotFound(
            "There is no such strategy.", code="STRATEGY_NOT_FOUND", params={"strategy": name[:200]}
        )
    return found


def own_strategy_by_name(realm_id: uuid.UUID, name: str) -> Strategy:
    """Find a strategy that the realm may change. A built-in one is not there for writing."""
    strategy = strategy_by_name(realm_id, name)
    if strategy.realm_id is None:
        raise built_in()
    return strategy


def built_in() -> Conflict:
    return Conflict("A built-in strategy cannot be changed. Clone it.", code="STRATEGY_BUILT_IN")


def production_alias(strategy: Strategy) -> Alias:
    """Find what a strategy scores by. Raises Conflict where it is archived or was never published."""
    if strategy.archived_at is not None:
        raise Conflict(
            "The strategy is archived and does not score.",
            code="STRATEGY_ARCHIVED",
            params={"strategy": strategy.slug},
        )
    alias = Alias.objects.filter(strategy=strategy, name=PRODUCTION).select_related("version").first()
    if alias is None:
        raise Conflict(
            "The strategy has no published version yet.",
            code="STRATEGY_NOT_PUBLISHED",
            params={"strategy": strategy.slug},
        )
    return alias


def draft_of(strategy: Strategy) -> StrategyVersion | None:
    return strategy.versions.filter(published_at=None).first()


def latest_version(strategy: Strategy) -> StrategyVersion:
    """The version that an author works on: the draft, or else the last published one."""
    return strategy.versions.select_related("strategy").latest("number")


def version_by_number(strategy: Strategy, number: int) -> StrategyVersion:
    """Find a version. Raises NotFound."""
    found = None
    if 0 < number < 2**31:
        found = strategy.versions.select_related("strategy").filter(number=number).first()
    if found is None:
        raise NotFound(
            "The strategy has no such version.", code="VERSION_NOT_FOUND", params={"version": str(number)}
        )
    return found


def score_by_id(realm_id: uuid.UUID, score_id: uuid.UUID) -> Score:
    """Find a score with all that an answer shows of it. Raises NotFound."""
    score = (
        Score.objects.filter(realm_id=realm_id, pk=score_id)
        .select_related("task", "player", "strategy", "strategy_version", "reverses")
        .first()
    )
    if score is None:
        raise NotFound("There is no such score.", code="SCORE_NOT_FOUND", params={"score": str(score_id)})
    return score


def stored_under_key(realm_id: uuid.UUID, idempotency_key: str) -> Score | None:
    return Score.objects.filter(realm_id=realm_id, idempotency_key=idempotency_key).first()


def stored_under_keys(realm_id: uuid.UUID, idempotency_keys: Iterable[str | None]) -> dict[str, Score]:
    """Find the scores that were stored under any of some keys. No query where there are none."""
    keys = {key for key in idempotency_keys if key is not None}
    stored = Score.objects.filter(realm_id=realm_id, idempotency_key__in=keys)
    return {str(score.idempotency_key): score for score in stored}


def _by_name(rows: QuerySet[Named], name: str) -> Named | None:
    by_id = as_uuid(name)
    if by_id is not None:
        row = rows.filter(pk=by_id).first()
        if row is not None:
            return row
    return rows.filter(external_id=name).first() if EXTERNAL_ID.fullmatch(name) else None


def as_uuid(name: str) -> uuid.UUID | None:
    """Read a UUID in its ordinary form only: `uuid.UUID` takes braces and `urn:` as well."""
    try:
        value = uuid.UUID(name)
    except ValueError:
        return None
    return value if str(value) == name.lower() else None
