"""The audit trail: what people, keys and commands did, each row chained to the one before it."""

from typing import Final, TypeVar
from uuid import UUID

import msgspec
from django.db import models
from django.db.models import Q, QuerySet

from gameproject.lib import canonical, clock
from gameproject.lib.errors import JsonDict
from gameproject.lib.ids import uuid7
from strategies.models import Realm

M = TypeVar("M", bound=models.Model)
NO_HASH: Final = bytes(32)  # before the first row of a chain


class Level(models.TextChoices):
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class AuditChain(models.Model):
    """The head of a realm's chain: how many rows it has and the last one's hash. No realm: the global chain.

    Its row lock puts those who record in order, and a last row that was taken away is missed.
    """

    realm = models.ForeignKey(
        Realm, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, null=True
    )
    n_rows = models.BigIntegerField()
    last_hash = models.BinaryField(max_length=32)

    class Meta:
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(name="audit_chain_realm", fields=["realm"], nulls_distinct=False)
        ]

    def __str__(self) -> str:
        return str(self.realm_id or "global")


class Logs(models.Model):
    """One thing that was done. Cannot be changed or deleted: triggers see to it.

    `details` is kept as the text that was hashed: jsonb would give numbers back in another form.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    realm = models.ForeignKey(
        Realm, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, null=True
    )
    sequence = models.BigIntegerField(help_text="Place in the realm's chain, from 1 on.")
    level = models.CharField(max_length=16, choices=Level)
    module = models.CharField(max_length=100)
    event = models.CharField(max_length=64)
    message = models.TextField()
    subject = models.CharField(max_length=100, help_text="What it was done to, such as strategy:<uuid>.")
    details_json = models.TextField()
    api_key = models.CharField(max_length=16, help_text="The key's prefix.")
    oauth_user_id = models.CharField(max_length=200)
    staff_user = models.CharField(max_length=150)
    command = models.CharField(max_length=100)
    task = models.CharField(max_length=200)
    request_id = models.CharField(max_length=64)
    created_at = models.DateTimeField()
    previous_hash = models.BinaryField(max_length=32)
    hash = models.BinaryField(max_length=32)

    class Meta:
        verbose_name = "audit entry"
        verbose_name_plural = "audit entries"
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(
                name="logs_place_in_chain", fields=["realm", "sequence"], nulls_distinct=False
            ),
            models.CheckConstraint(name="logs_level_known", condition=Q(level__in=Level.values)),
        ]
        # All lists are newest first by id. What is often empty has no entry there.
        indexes = [
            models.Index(name="logs_realm_newest", fields=["realm", "-id"]),
            models.Index(name="logs_global_newest", fields=["-id"], condition=Q(realm=None)),
            models.Index(name="logs_event_newest", fields=["event", "-id"]),
            models.Index(name="logs_subject_newest", fields=["subject", "-id"], condition=~Q(subject="")),
            models.Index(name="logs_staff_newest", fields=["staff_user", "-id"], condition=~Q(staff_user="")),
            models.Index(name="logs_key_newest", fields=["api_key", "-id"], condition=~Q(api_key="")),
            models.Index(name="logs_request", fields=["request_id"], condition=~Q(request_id="")),
        ]

    def __str__(self) -> str:
        return f"{self.event} {self.id}"

    @property
    def details(self) -> JsonDict:
        details: JsonDict = msgspec.json.decode(self.details_json)
        return details

    @property
    def actor(self) -> str:
        """Name who did it, the nearest to a person first."""
        if self.staff_user:
            return self.staff_user
        if self.oauth_user_id:
            return self.oauth_user_id
        named = {"key": self.api_key, "manage.py": self.command, "task": self.task}
        return next((f"{kind} {name}" for kind, name in named.items() if name), "the service")

    def compute_hash(self) -> bytes:
        """Hash the row with the one before it (SHA-256): whatever is changed in it gives another."""
        return canonical.digest(
            bytes(self.previous_hash).hex(),
            canonical.encode_json([getattr(self, name) for name in HASHED]),
            clock.iso(self.created_at),
        )


def of_realm(rows: QuerySet[M], realm_id: UUID | None) -> QuerySet[M]:
    """Return those of a realm, or of the global chain."""
    return rows.filter(realm__isnull=True) if realm_id is None else rows.filter(realm_id=realm_id)


class RefusalCount(models.Model):
    """How often somebody was refused within a minute, on its way to one audit row (observability/refusals.py)."""

    minute = models.DateTimeField()
    event = models.CharField(max_length=64)
    source = models.CharField(max_length=200)
    n = models.BigIntegerField()

    class Meta:
        default_permissions = ("view",)
        constraints = [
            models.UniqueConstraint(name="refusal_count_key", fields=["minute", "event", "source"])
        ]

    def __str__(self) -> str:
        return f"{self.n} of {self.source}"


# In this order for ever: the hashes of all stored rows rest on it.
HASHED: Final = (
    *("realm_id", "sequence", "id", "level", "module", "event", "message", "subject", "details_json"),
    *("api_key", "oauth_user_id", "staff_user", "command", "task", "request_id"),
)
