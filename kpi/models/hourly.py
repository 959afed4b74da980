"""What strategies gave, by the hour: the ledger in short."""

from django.db import models

from strategies.models import Realm, Strategy, StrategyVersion


class HourlyScores(models.Model):
    """How often a version gave the same within an hour. Written by kpi/hourly.py; test events and reversals are in none.

    Scores whose points agree to three significant digits share a row, which keeps their exact number, sum, sum of
    squares, least and most.
    """

    strategy = models.ForeignKey(Strategy, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    realm = models.ForeignKey(Realm, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    hour = models.DateTimeField()
    strategy_version = models.ForeignKey(
        StrategyVersion, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    outcome = models.CharField(max_length=16)
    case_name = models.CharField(max_length=200, null=True)  # noqa: DJ001  # null: no case, as in the ledger
    has_fallback = models.BooleanField()
    points_near = models.DecimalField(max_digits=18, decimal_places=6)
    n = models.BigIntegerField()
    points = models.DecimalField(max_digits=30, decimal_places=6)
    squares = models.DecimalField(max_digits=60, decimal_places=12)
    least = models.DecimalField(max_digits=18, decimal_places=6)
    most = models.DecimalField(max_digits=18, decimal_places=6)

    class Meta:
        default_permissions = ()
        verbose_name = "hourly scores"
        verbose_name_plural = "hourly scores"
        constraints = [
            models.UniqueConstraint(
                name="hourly_scores_once",
                fields=[
                    *("strategy", "realm", "hour", "strategy_version"),
                    *("outcome", "case_name", "has_fallback", "points_near"),
                ],
                nulls_distinct=False,
            )
        ]
        # From where to where hours are counted: kpi.hourly.counted.
        indexes = [models.Index(name="hourly_scores_hour", fields=["hour"])]

    def __str__(self) -> str:
        return f"{self.n} of {self.strategy_id} at {self.hour:%Y-%m-%d %H:%M}"
