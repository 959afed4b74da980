"""What players do that is not scored: recorded once per idempotency key, and counted among their interactions."""

from collections.abc import Mapping
from dataclasses import dataclass

from django.db import IntegrityError, transaction

from gameproject.lib import canonical, clock
from gameproject.lib.errors import Conflict
from strategies import events
from strategies.models import Player, PlayerAction, Realm, Task
from strategies.models.games import TaskStatus


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """What a player did, on a task or on none."""

    external_user_id: str
    type: str
    description: str
    data: Mapping[str, object]
    task: Task | None = None
    idempotency_key: str | None = None

    def fingerprint(self) -> bytes:
        """Hash what the action says, so that its idempotency key cannot be used for another (SHA-256)."""
        task = str(self.task.pk) if self.task else None
        said = [self.external_user_id, self.type, self.description, self.data, task]
        return canonical.digest(canonical.encode_json(said))


def record_action(*, realm: Realm, action: Action, request_id: str) -> tuple[PlayerAction, bool]:
    """Store an action, or find the one that was stored under its key; say whether it is new.

    A player who is not known is made. Raises BadRequest, TooLarge (the data), and Conflict for a closed task and for a
    key that was used for another action.
    """
    events.check_data(action.data)
    stored = _stored(realm, action)
    if stored is not None:
        return stored, False
    if action.task is not None and action.task.status != TaskStatus.OPEN:
        raise Conflict("The task is closed.", code="TASK_CLOSED", params={"status": action.task.status})
    try:
        with transaction.atomic():
            return _insert(realm, action, request_id), True
    except IntegrityError:  # the same key at the same time
        stored = _stored(realm, action)
        if stored is None:
            raise
        return stored, False


def _stored(realm: Realm, action: Action) -> PlayerAction | None:
    if action.idempotency_key is None:
        return None
    rows = PlayerAction.objects.filter(realm=realm, idempotency_key=action.idempotency_key)
    stored = rows.select_related("player", "task", "game").first()
    if stored is not None and bytes(stored.request_hash or b"") != action.fingerprint():
        raise Conflict(
            "This Idempotency-Key was used for another action. Use a new key for a new action.",
            code="IDEMPOTENCY_KEY_REUSED",
            params={"actionId": str(stored.pk)},
        )
    return stored


def _insert(realm: Realm, action: Action, request_id: str) -> PlayerAction:
    player, _made = Player.objects.get_or_create(realm=realm, external_id=action.external_user_id)
    return PlayerAction.objects.create(
        realm=realm,
        player=player,
        game=action.task.game if action.task else None,
        task=action.task,
        type=action.type,
        description=action.description,
        data=events.masked(action.data, frozenset(realm.masked_data_keys)),
        idempotency_key=action.idempotency_key,
        request_hash=action.fingerprint() if action.idempotency_key else None,
        request_id=request_id,
        created_at=clock.now(),
    )
