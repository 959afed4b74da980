"""Requests, one row each, and what is known of those that have none."""

from django.db import models

from strategies.models import Realm


class RequestKind(models.TextChoices):
    SCORE = "score"
    WRITE = "write"
    READ = "read"
    ADMIN = "admin"


class ApiRequests(models.Model):
    """A request of the API or the admin. Written in bulk, partitioned by day (observability/partitions.py).

    Every figure computed from these rows is to be weighted.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    request_id = models.CharField(max_length=64)
    realm = models.ForeignKey(
        Realm, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, null=True
    )
    key_prefix = models.CharField(max_length=16, blank=True)
    kind = models.CharField(max_length=8, choices=RequestKind)
    method = models.CharField(max_length=8)
    route = models.CharField(max_length=200, blank=True, help_text="Empty: no route of ours.")
    status = models.SmallIntegerField()
    milliseconds = models.FloatField(help_text="To three significant digits.")
    weight = models.FloatField(help_text="How many requests this one stands for.")
    created_at = models.DateTimeField(help_text="When it began.")

    class Meta:
        verbose_name = "request"
        verbose_name_plural = "requests"

    def __str__(self) -> str:
        return self.request_id


class ApiRequestDrops(models.Model):
    """Requests of a quarter of an hour that left no record: told by the next message of the process that lost them."""

    id = models.UUIDField(primary_key=True, editable=False)
    realm = models.ForeignKey(
        Realm, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, null=True
    )
    reason = models.CharField(max_length=32)
    n = models.FloatField()
    created_at = models.DateTimeField(help_text="The quarter of an hour.")

    class Meta:
        verbose_name = "lost request records"
        verbose_name_plural = "lost request records"

    def __str__(self) -> str:
        return f"{self.n:g} lost: {self.reason}"
