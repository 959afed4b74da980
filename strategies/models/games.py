"""Games, their tasks, and the players who do them."""

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from gameproject.lib.ids import uuid7
from strategies.models.strategies import Strategy
from strategies.models.tenancy import Realm, validate_time_zone


class Game(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    realm = models.ForeignKey(Realm, on_delete=models.CASCADE, related_name="games")
    external_id = models.CharField(max_length=200)
    platform = models.CharField(max_length=200, blank=True)
    strategy = models.ForeignKey(Strategy, on_delete=models.PROTECT, related_name="games")
    time_zone = models.CharField(  # noqa: DJ001  # null means the realm's, which an empty text would not say
        max_length=64,
        null=True,
        blank=True,
        validators=[validate_time_zone],
        help_text="Empty means the realm's.",
    )
    variables = models.JSONField(default=dict, blank=True, help_text="Overrides of the strategy's variables.")
    params = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(name="game_external_id", fields=["realm", "external_id"])]

    def __str__(self) -> str:
        return self.external_id


class TaskStatus(models.TextChoices):
    OPEN = "open"
    CLOSED = "closed"


class Task(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    realm = models.ForeignKey(Realm, on_delete=models.CASCADE, related_name="tasks")
    game = models.ForeignKey(Game, on_delete=models.CASCADE, related_name="tasks")
    external_id = models.CharField(max_length=200)
    strategy = models.ForeignKey(
        Strategy,
        on_delete=models.PROTECT,
        related_name="tasks",
        null=True,
        blank=True,
        help_text="Empty means the game's.",
    )
    status = models.CharField(max_length=16, choices=TaskStatus, default=TaskStatus.OPEN)
    variables = models.JSONField(default=dict, blank=True, help_text="Overrides of the strategy's variables.")
    params = models.JSONField(default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(name="task_external_id", fields=["game", "external_id"]),
            models.CheckConstraint(name="task_status_known", condition=Q(status__in=TaskStatus.values)),
        ]

    def __str__(self) -> str:
        return self.external_id


class Player(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    realm = models.ForeignKey(Realm, on_delete=models.CASCADE, related_name="players")
    external_id = models.CharField(max_length=200)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        constraints = [models.UniqueConstraint(name="player_external_id", fields=["realm", "external_id"])]

    def __str__(self) -> str:
        return self.external_id
