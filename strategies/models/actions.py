"""What players did that is not scored."""

from django.db import models
from django.db.models import Q

from gameproject.lib.ids import uuid7
from strategies.models.games import Game, Player, Task
from strategies.models.tenancy import Realm


class PlayerAction(models.Model):
    """An action of a player, on a task or on none: recorded, unscored."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    realm = models.ForeignKey(Realm, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    player = models.ForeignKey(Player, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    game = models.ForeignKey(
        Game, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, null=True
    )
    task = models.ForeignKey(
        Task, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, null=True
    )
    type = models.CharField(max_length=200)
    description = models.TextField(blank=True)
    data = models.JSONField(default=dict)
    idempotency_key = models.CharField(max_length=200, null=True)  # noqa: DJ001  # null: not given
    request_hash = models.BinaryField(max_length=32, null=True)
    request_id = models.CharField(max_length=64)
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "action"
        verbose_name_plural = "actions"
        constraints = [
            models.UniqueConstraint(
                name="action_idempotency_key",
                fields=["realm", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
            ),
        ]
        indexes = [
            models.Index(name="action_realm_newest", fields=["realm", "-id"]),
            models.Index(name="action_player_newest", fields=["player", "-id"]),
            models.Index(name="action_request", fields=["request_id"]),
        ]

    def __str__(self) -> str:
        return f"{self.type} of {self.player_id}"
