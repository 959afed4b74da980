"""What strategies gave, by the hour."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("kpi", "0003_slow_scores"),
        ("strategies", "0008_player_actions"),
    ]

    operations = [
        migrations.CreateModel(
            name="HourlyScores",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("hour", models.DateTimeField()),
                ("outcome", models.CharField(max_length=16)),
                ("case_name", models.CharField(max_length=200, null=True)),
                ("has_fallback", models.BooleanField()),
                ("points_near", models.DecimalField(decimal_places=6, max_digits=18)),
                ("n", models.BigIntegerField()),
                ("points", models.DecimalField(decimal_places=6, max_digits=30)),
                ("squares", models.DecimalField(decimal_places=12, max_digits=60)),
                ("least", models.DecimalField(decimal_places=6, max_digits=18)),
                ("most", models.DecimalField(decimal_places=6, max_digits=18)),
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
            ],
            options={
                "verbose_name": "hourly scores",
                "verbose_name_plural": "hourly scores",
                "default_permissions": (),
                "indexes": [models.Index(fields=["hour"], name="hourly_scores_hour")],
                "constraints": [
                    models.UniqueConstraint(
                        fields=(
                            "strategy",
                            "realm",
                            "hour",
                            "strategy_version",
                            "outcome",
                            "case_name",
                            "has_fallback",
                            "points_near",
                        ),
                        name="hourly_scores_once",
                        nulls_distinct=False,
                    )
                ],
            },
        ),
    ]
