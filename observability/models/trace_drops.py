"""Traces that were lost on their way."""

from django.db import models


class TraceDrops(models.Model):
    """How many traces a process lost in a minute for a reason, as its report said."""

    report_id = models.UUIDField(help_text="A report may come twice, and counts once.")
    minute = models.DateTimeField()
    reason = models.CharField(max_length=32)
    n_traces = models.IntegerField()

    class Meta:
        verbose_name = "lost traces"
        verbose_name_plural = "lost traces"
        default_permissions = ()
        constraints = [
            models.UniqueConstraint(name="trace_drops_once", fields=["report_id", "minute", "reason"]),
        ]
        indexes = [models.Index(name="trace_drops_minute", fields=["minute"])]

    def __str__(self) -> str:
        return f"{self.n_traces} lost, {self.reason}, {self.minute:%Y-%m-%d %H:%M}"
