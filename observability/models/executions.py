"""Runs of strategies that were kept."""

from django.db import models

from observability.sampling import Kind
from strategies.execution import STATUSES
from strategies.models import Game, Realm, Strategy, StrategyVersion, Task


class StrategyExecutionLog(models.Model):
    """A run of a strategy with its trace: every failed one within a budget, and a sample of the others.

    The table is partitioned: errors by month and the others by day (observability/partitions.py). No constraint refers
    to other tables, since rows are written in bulk and outlive what they name. Every figure computed from these rows
    is to be weighted.
    """

    id = models.UUIDField(primary_key=True, editable=False)
    score_id = models.UUIDField(null=True)
    request_id = models.CharField(max_length=64)
    realm = models.ForeignKey(Realm, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
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
    strategy_type = models.CharField(max_length=16)
    alias = models.CharField(max_length=32)
    game = models.ForeignKey(Game, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    task = models.ForeignKey(Task, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False)
    external_user_id = models.CharField(max_length=200)
    status = models.CharField(max_length=16, choices=[(status, status) for status in STATUSES])
    outcome = models.CharField(max_length=16, null=True)  # noqa: DJ001  # null: the run failed
    code = models.CharField(max_length=64, null=True)  # noqa: DJ001  # null: the run succeeded
    node_id = models.CharField(max_length=200, null=True)  # noqa: DJ001  # null: no node failed
    path = models.TextField(null=True)  # noqa: DJ001  # null: no node failed
    points = models.DecimalField(max_digits=18, decimal_places=6, null=True)
    case_name = models.CharField(max_length=200, null=True)  # noqa: DJ001  # null: no case
    duration_seconds = models.FloatField(help_text="Facts and run.")
    nodes = models.IntegerField(help_text="Visited until the result or the failure.")
    facts = models.JSONField()
    data = models.JSONField()
    variables = models.JSONField()
    trace = models.JSONField()
    n_cut = models.IntegerField(help_text="Evaluations that the trace leaves out.")
    is_test = models.BooleanField()
    kind = models.CharField(max_length=16, choices=[(kind.value, kind.value) for kind in Kind])
    is_error = models.BooleanField()
    weight = models.FloatField(help_text="How many runs this one stands for.")
    created_at = models.DateTimeField()

    class Meta:
        verbose_name = "execution"
        default_permissions = ("view",)
        permissions = [("manage_dead_letters", "Can put back or delete traces that were put aside")]

    def __str__(self) -> str:
        return str(self.id)
