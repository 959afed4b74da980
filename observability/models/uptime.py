"""Whether what the service needs was there, minute by minute."""

from django.db import models


class UptimeStatus(models.TextChoices):
    UP = "up"
    DOWN = "down"


class UptimeLogs(models.Model):
    """One dependency in one minute, as the worker found it on beat's behalf.

    A minute without a row is downtime too: nobody could write it (observability/uptime.py).
    """

    id = models.BigAutoField(primary_key=True)
    minute = models.DateTimeField()
    dependency = models.CharField(max_length=16)
    status = models.CharField(max_length=8, choices=UptimeStatus)
    milliseconds = models.FloatField(help_text="Until it answered; for the worker, until the heartbeat came.")
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name = "uptime log"
        constraints = [models.UniqueConstraint(name="uptime_once_a_minute", fields=["dependency", "minute"])]
        # Newest first in the admin, and old ones dropped by age.
        indexes = [models.Index(name="uptime_minute", fields=["minute"])]

    def __str__(self) -> str:
        return f"{self.dependency} {self.status} at {self.minute:%Y-%m-%d %H:%M}"
