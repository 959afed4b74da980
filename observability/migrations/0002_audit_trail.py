"""The audit trail and the heads of its chains, append only."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models

import gameproject.lib.ids

SQL = (Path(__file__).parent / "sql" / "0002_audit_trail.sql").read_text()


class Migration(migrations.Migration):
    dependencies = [
        ("observability", "0001_executions"),
        ("strategies", "0006_requests_and_permissions"),
    ]
    operations = [
        migrations.CreateModel(
            name="AuditChain",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("n_rows", models.BigIntegerField()),
                ("last_hash", models.BinaryField(max_length=32)),
                (
                    "realm",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="strategies.realm",
                    ),
                ),
            ],
            options={
                "default_permissions": ("view",),
                "constraints": [
                    models.UniqueConstraint(fields=("realm",), name="audit_chain_realm", nulls_distinct=False)
                ],
            },
        ),
        migrations.CreateModel(
            name="Logs",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gameproject.lib.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("sequence", models.BigIntegerField(help_text="Place in the realm's chain, from 1 on.")),
                (
                    "level",
                    models.CharField(
                        choices=[("info", "Info"), ("warning", "Warning"), ("error", "Error")], max_length=16
                    ),
                ),
                ("module", models.CharField(max_length=100)),
                ("event", models.CharField(max_length=64)),
                ("message", models.TextField()),
                (
                    "subject",
                    models.CharField(
                        help_text="What it was done to, such as strategy:<uuid>.", max_length=100
                    ),
                ),
                ("details_json", models.TextField()),
                ("api_key", models.CharField(help_text="The key's prefix.", max_length=16)),
                ("oauth_user_id", models.CharField(max_length=200)),
                ("staff_user", models.CharField(max_length=150)),
                ("command", models.CharField(max_length=100)),
                ("task", models.CharField(max_length=200)),
                ("request_id", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField()),
                ("previous_hash", models.BinaryField(max_length=32)),
                ("hash", models.BinaryField(max_length=32)),
                (
                    "realm",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="strategies.realm",
                    ),
                ),
            ],
            options={
                "verbose_name": "audit entry",
                "verbose_name_plural": "audit entries",
                "default_permissions": ("view",),
                "indexes": [
                    models.Index(fields=["realm", "-id"], name="logs_realm_newest"),
                    models.Index(
                        condition=models.Q(("realm", None)), fields=["-id"], name="logs_global_newest"
                    ),
                    models.Index(fields=["event", "-id"], name="logs_event_newest"),
                    models.Index(
                        condition=models.Q(("subject", ""), _negated=True),
                        fields=["subject", "-id"],
                        name="logs_subject_newest",
                    ),
                    models.Index(
                        condition=models.Q(("staff_user", ""), _negated=True),
                        fields=["staff_user", "-id"],
                        name="logs_staff_newest",
                    ),
                    models.Index(
                        condition=models.Q(("api_key", ""), _negated=True),
                        fields=["api_key", "-id"],
                        name="logs_key_newest",
                    ),
                    models.Index(
                        condition=models.Q(("request_id", ""), _negated=True),
                        fields=["request_id"],
                        name="logs_request",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("realm", "sequence"), name="logs_place_in_chain", nulls_distinct=False
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("level__in", ["info", "warning", "error"])),
                        name="logs_level_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="RefusalCount",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("minute", models.DateTimeField()),
                ("event", models.CharField(max_length=64)),
                ("source", models.CharField(max_length=200)),
                ("n", models.BigIntegerField()),
            ],
            options={
                "default_permissions": ("view",),
                "constraints": [
                    models.UniqueConstraint(fields=("minute", "event", "source"), name="refusal_count_key")
                ],
            },
        ),
        migrations.RunSQL(SQL, migrations.RunSQL.noop),
    ]
