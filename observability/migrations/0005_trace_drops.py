"""What was lost, by minute; indexes for the list of executions and its searches; errors by month."""

from datetime import datetime

from django.db import connection, migrations, models

from observability import partitions

# Django does not know the table's indexes: it is partitioned (0001). Of ids, newest first, as all lists are.
INDEXES = {
    "execution_player": "(external_user_id, id DESC)",
    "execution_task": "(task_id, id DESC)",
    "execution_game": "(game_id, id DESC)",
    "execution_strategy": "(strategy_id, id DESC)",
    "execution_slow": "(id DESC) WHERE kind = 'slow'",
}
TABLE = "observability_strategyexecutionlog"


def keep_errors_by_month(_apps: object, _editor: object) -> None:
    """Move failed runs out of partitions by day: see observability/partitions.py."""
    _samples, errors = partitions.EXECUTIONS
    with connection.cursor() as cursor:
        before = list(partitions.names(errors.table))
        for name in before:
            cursor.execute(f"ALTER TABLE {errors.table} DETACH PARTITION {name}")
            cursor.execute(f"ALTER TABLE {name} RENAME TO {name}_before")
        for name in before:
            first_day = datetime.strptime(name[-8:], "%Y%m%d").date()  # noqa: DTZ007  # a day
            partitions.make(errors, errors.begin(first_day))
            cursor.execute(f"INSERT INTO {errors.table} SELECT * FROM {name}_before")  # noqa: S608  # our own names
            cursor.execute(f"DROP TABLE {name}_before")


class Migration(migrations.Migration):
    dependencies = [("observability", "0004_api_requests")]
    operations = [
        migrations.CreateModel(
            name="TraceDrops",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("report_id", models.UUIDField(help_text="A report may come twice, and counts once.")),
                ("minute", models.DateTimeField()),
                ("reason", models.CharField(max_length=32)),
                ("n_traces", models.IntegerField()),
            ],
            options={
                "verbose_name": "lost traces",
                "verbose_name_plural": "lost traces",
                "default_permissions": (),
                "indexes": [models.Index(fields=["minute"], name="trace_drops_minute")],
                "constraints": [
                    models.UniqueConstraint(fields=("report_id", "minute", "reason"), name="trace_drops_once")
                ],
            },
        ),
        migrations.AlterModelOptions(
            name="strategyexecutionlog",
            options={
                "default_permissions": ("view",),
                "permissions": [("manage_dead_letters", "Can put back or delete traces that were put aside")],
                "verbose_name": "execution",
            },
        ),
        migrations.RunPython(keep_errors_by_month, migrations.RunPython.noop),
        migrations.RunSQL(
            [f"CREATE INDEX {name} ON {TABLE} {columns}" for name, columns in INDEXES.items()],
            [f"DROP INDEX {name}" for name in INDEXES],
        ),
    ]
