"""The figures of days, and how far they have come."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("strategies", "0008_player_actions"),
    ]

    operations = [
        migrations.CreateModel(
            name="KpiMetrics",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("time_zone", models.CharField(help_text="By which the day was cut.", max_length=64)),
                ("n_requests", models.BigIntegerField(default=0)),
                ("success_rate", models.FloatField(help_text="Status below 400.", null=True)),
                ("client_error_rate", models.FloatField(help_text="Status 400 to 499.", null=True)),
                ("server_error_rate", models.FloatField(help_text="Status 500 and above.", null=True)),
                ("latency_mean_ms", models.FloatField(null=True)),
                ("latency_p50_ms", models.FloatField(null=True)),
                ("latency_p95_ms", models.FloatField(null=True)),
                ("latency_p99_ms", models.FloatField(null=True)),
                ("n_active_players", models.BigIntegerField(default=0)),
                ("n_new_players", models.BigIntegerField(default=0)),
                (
                    "retention_day_1",
                    models.FloatField(help_text="Of those active the day before.", null=True),
                ),
                ("retention_day_7", models.FloatField(help_text="Of those active 7 days before.", null=True)),
                (
                    "retention_day_30",
                    models.FloatField(help_text="Of those active 30 days before.", null=True),
                ),
                ("interactions_per_player", models.FloatField(help_text="Scores and actions.", null=True)),
                ("n_scores", models.BigIntegerField(default=0)),
                ("n_awards", models.BigIntegerField(default=0)),
                ("n_no_awards", models.BigIntegerField(default=0)),
                ("n_vetoes", models.BigIntegerField(default=0)),
                ("n_fallbacks", models.BigIntegerField(default=0)),
                ("points_awarded", models.DecimalField(decimal_places=6, default=0, max_digits=30)),
                ("n_actions", models.BigIntegerField(default=0)),
                ("uptime_share", models.FloatField(null=True)),
                ("n_executions", models.BigIntegerField(default=0)),
                ("execution_error_rate", models.FloatField(null=True)),
                ("n_requests_lost", models.BigIntegerField(default=0)),
                ("n_traces_lost", models.BigIntegerField(default=0)),
                (
                    "completeness",
                    models.FloatField(
                        help_text="Request records that are there, of all that are known to have been made.",
                        null=True,
                    ),
                ),
                ("is_provisional", models.BooleanField(help_text="The day was not over.")),
                ("rolled_up_at", models.DateTimeField()),
                (
                    "realm",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="kpis",
                        to="strategies.realm",
                    ),
                ),
            ],
            options={
                "verbose_name": "KPI",
                "verbose_name_plural": "KPIs",
                "constraints": [
                    models.UniqueConstraint(fields=("realm", "day"), name="kpi_day", nulls_distinct=False)
                ],
            },
        ),
        migrations.CreateModel(
            name="RollupProgress",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("first_day", models.DateField(help_text="Where it began.")),
                (
                    "final_through",
                    models.DateField(help_text="All days up to this one are final.", null=True),
                ),
                (
                    "provisional_at",
                    models.DateTimeField(help_text="When the running day was last rolled up.", null=True),
                ),
                (
                    "realm",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="+",
                        to="strategies.realm",
                    ),
                ),
            ],
            options={
                "verbose_name": "rollup progress",
                "verbose_name_plural": "rollup progress",
                "default_permissions": (),
                "constraints": [
                    models.UniqueConstraint(
                        fields=("realm",), name="rollup_progress_realm", nulls_distinct=False
                    )
                ],
            },
        ),
    ]
