"""Who may score, and what an event is scored by, from process caches that are never stale.

Every entry carries the realm's `config_epoch` of the moment before it was read. The scoring transaction
returns the present one; where they differ, both entries are forgotten and the request begins again
(strategies/scoring.py). Only what can be scored is cached: a closed task or a missing game is looked up anew
each time, so no cached refusal outlives its reason.
"""

import hashlib
import uuid
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from django.db.models import F

from gameproject.lib import canonical, clock
from gameproject.lib.errors import Conflict, Forbidden
from strategies import facts, keys, metrics, programs, selectors, throttling
from strategies.ledger import Origin
from strategies.models import ApiKey, Realm
from strategies.models.games import TaskStatus
from strategies.variables import effective_variables

CACHED_ENTRIES = 20_000

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class Principal:
    """The key that a request came with."""

    realm_id: uuid.UUID
    realm: str
    key_id: uuid.UUID
    prefix: str
    scopes: frozenset[str]
    expires_at: datetime | None
    limits: throttling.Limits
    epoch: int


@dataclass(frozen=True, slots=True)
class Target:
    """A task, and everything that scoring an event on it needs to know."""

    realm_id: uuid.UUID
    realm: str
    game_id: uuid.UUID
    task_id: uuid.UUID
    external_game_id: str
    external_task_id: str
    strategy_id: uuid.UUID
    strategy: str
    strategy_type: str
    version_id: uuid.UUID
    version: int
    parent_version_id: uuid.UUID | None
    alias: str
    loaded: programs.LoadedProgram
    variables: dict[str, object]
    time_zone: ZoneInfo
    masked_data_keys: frozenset[str]
    reads: tuple[bool, bool, bool]  # the player's figures on the task, the task's own, the recent count
    epoch: int
    origin: Origin = field(init=False)

    def __post_init__(self) -> None:
        origin = Origin(
            realm_id=self.realm_id,
            game_id=self.game_id,
            task_id=self.task_id,
            strategy_id=self.strategy_id,
            version_id=self.version_id,
            parent_version_id=self.parent_version_id,
            alias=self.alias,
            variables_json=canonical.stored_json(self.variables),
        )
        object.__setattr__(self, "origin", origin)  # as dataclasses do it where they are frozen


# By hash, so that no secret lies in memory longer than its request, and none is compared byte by byte.
_principals: dict[bytes, Principal] = {}
_targets: dict[tuple[uuid.UUID, str, str], Target] = {}


def authenticate(key: str, scope: str) -> Principal:
    """Find the key's principal. Raises Unauthenticated (no such valid key) and Forbidden (it lacks the scope)."""
    principal = identify(key)
    require_scope(principal, scope)
    return principal


def identify(key: str) -> Principal:
    """Find the key's principal, from the cache if it is there. Raises Unauthenticated."""
    digest = _key_digest(key)
    principal = _principals.get(digest)
    if principal is None:
        principal = _remember(_principals, digest, look_up_principal(key))
    if principal.expires_at is not None and principal.expires_at <= clock.now():
        _principals.pop(digest, None)
        raise keys.unknown_key()
    return principal


def look_up_principal(key: str) -> Principal:
    """Ask the database for a key. Raises Unauthenticated."""
    prefix, secret = keys.split(key)
    row = (
        ApiKey.objects.filter(prefix=prefix)
        .annotate(realm_slug=F("realm__slug"), epoch=F("realm__config_epoch"))
        .first()
    )
    if (
        row is None
        or not keys.secret_matches(secret, bytes(row.secret_hash))
        or not row.is_valid(clock.now())
    ):
        raise keys.unknown_key()
    return Principal(
        realm_id=row.realm_id,
        realm=row.realm_slug,
        key_id=row.pk,
        prefix=row.prefix,
        scopes=frozenset(row.scopes),
        expires_at=row.expires_at,
        limits=keys.limits_of(row),
        epoch=row.epoch,
    )


def require_scope(principal: Principal, scope: str) -> None:
    if scope not in principal.scopes:
        raise Forbidden(f"This key lacks the scope {scope!r}.", params={"scope": scope})


def find(realm_id: uuid.UUID, game: str, task: str) -> Target:
    """Find what scores an event of this game and task (UUIDs or external ids).

    Raises NotFound, and Conflict for a closed task or a strategy that cannot score.
    """
    target = _targets.get((realm_id, game, task))
    metrics.looked_up(hit=target is not None)
    if target is None:
        target = _remember(_targets, (realm_id, game, task), _look_up(realm_id, game, task))
    return target


def forget(key: str, realm_id: uuid.UUID, game: str, task: str) -> None:
    """Drop what a request was about to use, because the realm's configuration has changed."""
    _principals.pop(_key_digest(key), None)
    _targets.pop((realm_id, game, task), None)


def forget_all() -> None:
    _principals.clear()
    _targets.clear()


def _key_digest(key: str) -> bytes:
    return hashlib.sha256(key.encode(errors="replace")).digest()


def _remember(cache: dict[K, V], key: K, value: V) -> V:
    if len(cache) >= CACHED_ENTRIES:
        cache.clear()  # simple, and rare: filling it again costs a few queries an entry
    cache[key] = value
    return value


def _look_up(realm_id: uuid.UUID, game_name: str, task_name: str) -> Target:
    # The epoch first: a change that comes between is then seen as a difference, not missed.
    realm = Realm.objects.get(pk=realm_id)
    game = selectors.game_by_name(realm_id, game_name)
    task = selectors.task_by_name(game, task_name)
    if task.status != TaskStatus.OPEN:
        raise Conflict("The task is closed.", code="TASK_CLOSED", params={"status": task.status})
    strategy = task.strategy or game.strategy
    alias = selectors.production_alias(strategy)
    loaded = programs.load(alias.version_id)
    metrics.compiled(programs.load.cache_info().currsize)
    variables = effective_variables(loaded.program, game, task)
    return Target(
        realm_id=realm_id,
        realm=realm.slug,
        game_id=game.pk,
        task_id=task.pk,
        external_game_id=game.external_id,
        external_task_id=task.external_id,
        strategy_id=strategy.pk,
        strategy=strategy.slug,
        strategy_type=strategy.type,
        version_id=alias.version_id,
        version=alias.version.number,
        parent_version_id=alias.version.parent_version_id,
        alias=alias.name,
        loaded=loaded,
        variables=variables,
        time_zone=ZoneInfo(game.time_zone or realm.time_zone),
        masked_data_keys=frozenset(realm.masked_data_keys),
        reads=facts.reads(loaded.program.fields),
        epoch=realm.config_epoch,
    )
