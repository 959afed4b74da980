"""How the running day stood at each of its rollups."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("kpi", "0001_initial"),
    ]

    operations = [
        migrations.CreateModel(
            name="DaySoFar",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("day", models.DateField()),
                ("at", models.DateTimeField()),
                ("n_requests", models.BigIntegerField()),
                ("server_error_rate", models.FloatField(null=True)),
                ("latency_p95_ms", models.FloatField(null=True)),
                ("n_scores", models.BigIntegerField()),
                ("points_awarded", models.DecimalField(decimal_places=6, max_digits=30)),
                ("n_active_players", models.BigIntegerField()),
            ],
            options={
                "verbose_name": "day so far",
                "verbose_name_plural": "days so far",
                "default_permissions": (),
                "indexes": [models.Index(fields=["day", "at"], name="day_so_far")],
            },
        ),
    ]
