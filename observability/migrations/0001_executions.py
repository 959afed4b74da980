"""The traces of runs, partitioned."""

from datetime import UTC, datetime
from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

from observability import partitions

SQL = (Path(__file__).parent / "sql" / "0001_executions.sql").read_text()


def make_partitions(_apps: object, _editor: object) -> None:
    partitions.make_ahead(datetime.now(UTC).date(), partitions.EXECUTIONS)


# What Django is to know of the table: all but its partitions.
STATE = [
    migrations.CreateModel(
        name="StrategyExecutionLog",
        fields=[
            ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
            ("score_id", models.UUIDField(null=True)),
            ("request_id", models.CharField(max_length=64)),
            ("strategy_type", models.CharField(max_length=16)),
            ("alias", models.CharField(max_length=32)),
            ("external_user_id", models.CharField(max_length=200)),
            (
                "status",
                models.CharField(
                    choices=[("ok", "ok"), ("error", "error"), ("timeout", "timeout"), ("limit", "limit")],
                    max_length=16,
                ),
            ),
            ("outcome", models.CharField(max_length=16, null=True)),
            ("code", models.CharField(max_length=64, null=True)),
            ("node_id", models.CharField(max_length=200, null=True)),
            ("path", models.TextField(null=True)),
            ("points", models.DecimalField(decimal_places=6, max_digits=18, null=True)),
            ("case_name", models.CharField(max_length=200, null=True)),
            ("duration_seconds", models.FloatField(help_text="Facts and run.")),
            ("nodes", models.IntegerField(help_text="Visited until the result or the failure.")),
            ("facts", models.JSONField()),
            ("data", models.JSONField()),
            ("variables", models.JSONField()),
            ("trace", models.JSONField()),
            ("n_cut", models.IntegerField(help_text="Evaluations that the trace leaves out.")),
            ("is_test", models.BooleanField()),
            (
                "kind",
                models.CharField(
                    choices=[("sampled", "sampled"), ("slow", "slow"), ("error", "error")], max_length=16
                ),
            ),
            ("is_error", models.BooleanField()),
            ("weight", models.FloatField(help_text="How many runs this one stands for.")),
            ("created_at", models.DateTimeField()),
            (
                "game",
                models.ForeignKey(
                    db_constraint=False,
                    db_index=False,
                    on_delete=django.db.models.deletion.DO_NOTHING,
                    to="strategies.game",
                ),
            ),
            (
                "parent_version",
                models.ForeignKey(
                    db_constraint=False,
                    db_index=False,
                    null=True,
                    on_delete=django.db.models.deletion.DO_NOTHING,
                    related_name="+",
                    to="strategies.strategyversion",
                ),
            ),
            (
                "realm",
                models.ForeignKey(
                    db_constraint=False,
                    db_index=False,
                    on_delete=django.db.models.deletion.DO_NOTHING,
                    to="strategies.realm",
                ),
            ),
            (
                "strategy",
                models.ForeignKey(
                    db_constraint=False,
                    db_index=False,
                    on_delete=django.db.models.deletion.DO_NOTHING,
                    to="strategies.strategy",
                ),
            ),
            (
                "strategy_version",
                models.ForeignKey(
                    db_constraint=False,
                    db_index=False,
                    on_delete=django.db.models.deletion.DO_NOTHING,
                    related_name="+",
                    to="strategies.strategyversion",
                ),
            ),
            (
                "task",
                models.ForeignKey(
                    db_constraint=False,
                    db_index=False,
                    on_delete=django.db.models.deletion.DO_NOTHING,
                    to="strategies.task",
                ),
            ),
        ],
        options={
            "verbose_name": "execution",
        },
    ),
]


class Migration(migrations.Migration):
    initial = True
    dependencies = [("strategies", "0006_requests_and_permissions")]
    operations = [
        migrations.SeparateDatabaseAndState(
            [migrations.RunSQL(SQL, "DROP TABLE observability_strategyexecutionlog")],
            STATE,
        ),
        migrations.RunPython(make_partitions, migrations.RunPython.noop),
    ]
