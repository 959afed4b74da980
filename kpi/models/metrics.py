"""How it went, a row a day: written by rollups, read by everybody."""

from django.db import models

from strategies.models import Realm


def _count() -> "models.BigIntegerField[int, int]":
    return models.BigIntegerField(default=0)


def _share(help_text: str = "") -> "models.FloatField[float | None, float | None]":
    return models.FloatField(null=True, help_text=help_text)


class KpiMetrics(models.Model):
    """The figures of a realm's day, in the realm's time zone; without a realm, of all of them, by UTC.

    A share or a mean of nothing is null. docs/kpi.md defines each figure and says what it rests on.
    """

    realm = models.ForeignKey(Realm, on_delete=models.CASCADE, null=True, related_name="kpis")
    day = models.DateField()
    time_zone = models.CharField(max_length=64, help_text="By which the day was cut.")

    n_requests = _count()
    success_rate = _share("Status below 400.")
    client_error_rate = _share("Status 400 to 499.")
    server_error_rate = _share("Status 500 and above.")
    latency_mean_ms = models.FloatField(null=True)
    latency_p50_ms = models.FloatField(null=True)
    latency_p95_ms = models.FloatField(null=True)
    latency_p99_ms = models.FloatField(null=True)
    # Null: rolled up before these were counted.
    n_score_requests = models.BigIntegerField(null=True, help_text="With one event each, no batches.")
    n_score_requests_over_200_ms = models.BigIntegerField(null=True)
    n_score_requests_over_500_ms = models.BigIntegerField(null=True)

    n_active_players = _count()
    n_new_players = _count()
    retention_day_1 = _share("Of those active the day before.")
    retention_day_7 = _share("Of those active 7 days before.")
    retention_day_30 = _share("Of those active 30 days before.")
    interactions_per_player = models.FloatField(null=True, help_text="Scores and actions.")

    n_scores = _count()
    n_awards = _count()
    n_no_awards = _count()
    n_vetoes = _count()
    n_fallbacks = _count()
    points_awarded = models.DecimalField(max_digits=30, decimal_places=6, default=0)
    n_actions = _count()

    uptime_share = _share()
    n_executions = _count()
    execution_error_rate = _share()
    n_requests_lost = _count()
    n_traces_lost = _count()
    completeness = _share("Request records that are there, of all that are known to have been made.")

    is_provisional = models.BooleanField(help_text="The day was not over.")
    rolled_up_at = models.DateTimeField()

    class Meta:
        verbose_name = "KPI"
        verbose_name_plural = "KPIs"
        constraints = [
            models.UniqueConstraint(name="kpi_day", fields=["realm", "day"], nulls_distinct=False),
        ]

    def __str__(self) -> str:
        return f"{self.realm or 'all realms'}, {self.day}"
