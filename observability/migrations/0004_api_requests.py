"""Requests, and what is known of lost ones, partitioned."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from observability import partitions

SQL = (Path(__file__).parent / "sql" / "0004_api_requests.sql").read_text()


def make_partitions(_apps: object, _editor: object) -> None:
    partitions.make_ahead(datetime.now(UTC).date(), partitions.REQUESTS)


def realm() -> "models.ForeignKey[Any, Any]":
    return models.ForeignKey(
        db_constraint=False,
        db_index=False,
        null=True,
        on_delete=django.db.models.deletion.DO_NOTHING,
        to="strategies.realm",
    )


# What Django is to know of the tables: all but their partitions.
STATE = [
    migrations.CreateModel(
        name="ApiRequests",
        fields=[
            ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
            ("request_id", models.CharField(max_length=64)),
            ("key_prefix", models.CharField(blank=True, max_length=16)),
            (
                "kind",
                models.CharField(
                    choices=[("score", "Score"), ("write", "Write"), ("read", "Read"), ("admin", "Admin")],
                    max_length=8,
                ),
            ),
            ("method", models.CharField(max_length=8)),
            (
                "route",
                models.CharField(blank=True, help_text="Empty: no route of ours.", max_length=200),
            ),
            ("status", models.SmallIntegerField()),
            ("milliseconds", models.FloatField(help_text="To three significant digits.")),
            ("weight", models.FloatField(help_text="How many requests this one stands for.")),
            ("created_at", models.DateTimeField(help_text="When it began.")),
            ("realm", realm()),
        ],
        options={"verbose_name": "request", "verbose_name_plural": "requests"},
    ),
    migrations.CreateModel(
        name="ApiRequestDrops",
        fields=[
            ("id", models.UUIDField(editable=False, primary_key=True, serialize=False)),
            ("reason", models.CharField(max_length=32)),
            ("n", models.FloatField()),
            ("created_at", models.DateTimeField(help_text="The quarter of an hour.")),
            ("realm", realm()),
        ],
        options={"verbose_name": "lost request records", "verbose_name_plural": "lost request records"},
    ),
]


class Migration(migrations.Migration):
    dependencies = [("observability", "0003_uptime_logs")]
    operations = [
        migrations.SeparateDatabaseAndState(
            [
                migrations.RunSQL(
                    SQL, "DROP TABLE observability_apirequests; DROP TABLE observability_apirequestdrops"
                )
            ],
            STATE,
        ),
        migrations.RunPython(make_partitions, migrations.RunPython.noop),
    ]
