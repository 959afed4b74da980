"""What players did that is not scored."""

import django.db.models.deletion
from django.db import migrations, models

import gameproject.lib.ids


class Migration(migrations.Migration):
    dependencies = [
        ("strategies", "0007_fewer_steps"),
    ]

    operations = [
        migrations.CreateModel(
            name="PlayerAction",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=gameproject.lib.ids.uuid7, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("type", models.CharField(max_length=200)),
                ("description", models.TextField(blank=True)),
                ("data", models.JSONField(default=dict)),
                ("idempotency_key", models.CharField(max_length=200, null=True)),
                ("request_hash", models.BinaryField(max_length=32, null=True)),
                ("request_id", models.CharField(max_length=64)),
                ("created_at", models.DateTimeField()),
                (
                    "game",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="strategies.game",
                    ),
                ),
                (
                    "player",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="strategies.player",
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
                    "task",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="strategies.task",
                    ),
                ),
            ],
            options={
                "verbose_name": "action",
                "verbose_name_plural": "actions",
                "indexes": [
                    models.Index(fields=["realm", "-id"], name="action_realm_newest"),
                    models.Index(fields=["player", "-id"], name="action_player_newest"),
                    models.Index(fields=["request_id"], name="action_request"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("idempotency_key__isnull", False)),
                        fields=("realm", "idempotency_key"),
                        name="action_idempotency_key",
                    )
                ],
            },
        ),
    ]
