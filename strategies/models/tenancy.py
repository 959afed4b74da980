"""Realms are tenants: every row belongs to one, and keys open exactly one."""

from datetime import datetime
from zoneinfo import available_timezones

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q

from gameproject.lib.ids import uuid7


def validate_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(f"{name!r} is not a time zone, such as Europe/Vienna.")


class Realm(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    slug = models.SlugField(max_length=100, unique=True)
    name = models.CharField(max_length=200)
    time_zone = models.CharField(max_length=64, default="UTC", validators=[validate_time_zone])
    masked_data_keys = ArrayField(
        models.CharField(max_length=100),
        default=list,
        blank=True,
        help_text="Keys of event data that are stored hashed. A strategy cannot read them.",
    )
    # Raised by triggers with every change of a key, game, task, strategy or alias: process caches compare it.
    config_epoch = models.BigIntegerField(default=1, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.slug


class Scope(models.TextChoices):
    SCORE = "score", "score: send events"
    READ = "read", "read: every GET"
    AUTHOR = "author", "author: games, tasks, strategies"
    OPERATE = "operate", "operate: reversals, keys"


class ApiKey(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    realm = models.ForeignKey(Realm, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=200)
    prefix = models.CharField(max_length=16, unique=True, editable=False)
    # SHA-256 of the secret. It has 256 bits of randomness, so a slow hash would protect nothing more.
    secret_hash = models.BinaryField(max_length=32, editable=False)
    scopes = ArrayField(models.CharField(max_length=16, choices=Scope))
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)
    # Throttles (strategies/throttling.py). Empty means the default, a rate of 0 that there is no limit.
    key_rate = models.PositiveIntegerField(null=True, blank=True, help_text="Requests a second.")
    key_burst = models.PositiveIntegerField(null=True, blank=True, help_text="Requests at once.")
    player_rate = models.PositiveIntegerField(
        null=True, blank=True, help_text="Events of one player a second."
    )
    player_burst = models.PositiveIntegerField(
        null=True, blank=True, help_text="Events of one player at once."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name = "API key"
        constraints = [
            models.CheckConstraint(
                name="api_key_bursts_let_one_pass",
                condition=(Q(key_burst=None) | Q(key_burst__gte=1))
                & (Q(player_burst=None) | Q(player_burst__gte=1)),
            ),
            models.CheckConstraint(
                name="api_key_scopes_known", condition=Q(scopes__contained_by=list(Scope.values))
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix})"

    def is_valid(self, at: datetime) -> bool:
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)
