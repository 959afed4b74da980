"""The ledger, and the running figures that spare reading it.

Rows here are written by `score_write` (strategies/migrations/sql), not by the ORM. References to rows that
are hot or that need no proof at every insert carry no database constraint: five of them cost a score a third
more, and their row locks would make every event of a realm wait for one row.
"""

import zlib

from django.db import models
from django.db.models import Q

from gameproject.lib.ids import uuid7
from strategies.models.games import Game, Player, Task
from strategies.models.strategies import Strategy, StrategyVersion
from strategies.models.tenancy import Realm

TASK_SLOTS = 8


def slot_of(external_user_id: str) -> int:
    """Name the slice of a task's figures that a player's events count in."""
    return zlib.crc32(external_user_id.encode()) % TASK_SLOTS


class Outcome(models.TextChoices):
    AWARD = "award"
    NO_AWARD = "no_award"
    VETO = "veto"
    REVERSAL = "reversal"


class Score(models.Model):
    """One event's result. Cannot be changed or deleted: triggers see to it."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    realm = models.ForeignKey(Realm, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    game = models.ForeignKey(Game, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    task = models.ForeignKey(Task, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    player = models.ForeignKey(Player, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    strategy = models.ForeignKey(Strategy, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    strategy_version = models.ForeignKey(
        StrategyVersion, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    parent_version = models.ForeignKey(
        StrategyVersion,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="+",
        null=True,
    )
    alias = models.CharField(max_length=32)
    experiment_arm = models.CharField(max_length=64, null=True)  # noqa: DJ001  # null: in no experiment
    outcome = models.CharField(max_length=16, choices=Outcome)
    points = models.DecimalField(max_digits=18, decimal_places=6)
    case_name = models.CharField(max_length=200, null=True)  # noqa: DJ001  # null: no case, as the API says
    callback_data = models.JSONField()
    bonuses = models.JSONField(help_text="The bonuses that fired: [label, value] in order.")
    # Frozen: what the program was given. With the version they are all that a replay needs.
    facts = models.JSONField()
    data = models.JSONField()
    variables = models.JSONField()
    inputs_digest = models.BinaryField(max_length=32, help_text="SHA-256 over facts, data and variables.")
    fallback = models.JSONField(null=True)
    is_test = models.BooleanField(default=False)
    created_player = models.BooleanField(default=False)
    session_key = models.CharField(max_length=200, null=True)  # noqa: DJ001  # null: not given
    occurred_at = models.DateTimeField(null=True)
    idempotency_key = models.CharField(max_length=200, null=True)  # noqa: DJ001  # null: not given
    request_hash = models.BinaryField(max_length=32, null=True)
    request_id = models.CharField(max_length=64)
    reverses = models.ForeignKey(
        "self",
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        null=True,
        related_name="reversals",
    )
    reason = models.CharField(max_length=500, blank=True, db_default="", help_text="Why it was reversed.")
    created_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="score_idempotency_key",
                fields=["realm", "idempotency_key"],
                condition=Q(idempotency_key__isnull=False),
            ),
            # A condition, or every score would have an entry in the index.
            models.UniqueConstraint(
                name="score_reversed_once", fields=["reverses"], condition=Q(reverses__isnull=False)
            ),
            models.CheckConstraint(name="score_outcome_known", condition=Q(outcome__in=Outcome.values)),
        ]
        indexes = [
            models.Index(name="score_player_task_time", fields=["player", "task", "created_at"]),
            models.Index(name="score_realm_newest", fields=["realm", "-id"]),
            models.Index(name="score_game_newest", fields=["game", "-id"]),
            models.Index(name="score_task_newest", fields=["task", "-id"]),
            models.Index(name="score_request", fields=["request_id"]),
        ]
        permissions = [("reverse_score", "Can take a score back")]

    def __str__(self) -> str:
        return str(self.id)


class PlayerGameStats(models.Model):
    """A player's figures in a game. Its row lock puts the player's events in order."""

    realm = models.ForeignKey(Realm, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    game = models.ForeignKey(Game, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    player = models.ForeignKey(Player, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    n_scores = models.BigIntegerField(db_default=0)
    points_total = models.DecimalField(max_digits=30, decimal_places=6, db_default=0)
    streak_days = models.IntegerField(db_default=0)
    last_day = models.DateField(null=True, help_text="The last day with a score, in the game's time zone.")

    class Meta:
        verbose_name_plural = "player game stats"
        # The game first: the same index then lists a game's players.
        constraints = [models.UniqueConstraint(name="player_game_stats_key", fields=["game", "player"])]
        # A changed total cannot be a HOT update: the leaderboard's price (strategies/leaderboard.py).
        indexes = [
            models.Index(
                name="player_game_leaderboard",
                fields=["game", "-points_total", "player"],
                condition=Q(n_scores__gt=0),
            )
        ]

    def __str__(self) -> str:
        return f"{self.player_id} in {self.game_id}"


class PlayerTaskStats(models.Model):
    """A player's figures on a task: enough for every count and mean gap of the language."""

    realm = models.ForeignKey(Realm, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    task = models.ForeignKey(Task, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    player = models.ForeignKey(Player, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    n_scores = models.BigIntegerField(db_default=0)
    n_awards = models.BigIntegerField(db_default=0)
    points_total = models.DecimalField(max_digits=30, decimal_places=6, db_default=0)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    previous_at = models.DateTimeField(null=True)

    class Meta:
        verbose_name_plural = "player task stats"
        constraints = [models.UniqueConstraint(name="player_task_stats_key", fields=["player", "task"])]

    def __str__(self) -> str:
        return f"{self.player_id} on {self.task_id}"


class TaskStats(models.Model):
    """A slice of a task's figures, by hash of the player: one row would make all its events wait in line."""

    realm = models.ForeignKey(Realm, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    task = models.ForeignKey(Task, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    slot = models.SmallIntegerField()
    n_scores = models.BigIntegerField(db_default=0)
    n_awards = models.BigIntegerField(db_default=0)
    points_total = models.DecimalField(max_digits=30, decimal_places=6, db_default=0)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    class Meta:
        verbose_name_plural = "task stats"
        constraints = [models.UniqueConstraint(name="task_stats_key", fields=["task", "slot"])]

    def __str__(self) -> str:
        return f"{self.task_id} slot {self.slot}"
