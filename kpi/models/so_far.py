"""How the running day stood at each of its rollups: what today is compared with a week later."""

from django.db import models


class DaySoFar(models.Model):
    """The running day of all realms, as a provisional rollup found it."""

    day = models.DateField()
    at = models.DateTimeField()
    n_requests = models.BigIntegerField()
    server_error_rate = models.FloatField(null=True)
    latency_p95_ms = models.FloatField(null=True)
    n_scores = models.BigIntegerField()
    points_awarded = models.DecimalField(max_digits=30, decimal_places=6)
    n_active_players = models.BigIntegerField()

    class Meta:
        default_permissions = ()
        verbose_name = "day so far"
        verbose_name_plural = "days so far"
        indexes = [models.Index(name="day_so_far", fields=["day", "at"])]

    def __str__(self) -> str:
        return f"{self.day} by {self.at:%H:%M}"
