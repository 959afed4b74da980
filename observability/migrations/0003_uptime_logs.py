"""Uptime by dependency and minute."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("observability", "0002_audit_trail")]
    operations = [
        migrations.CreateModel(
            name="UptimeLogs",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("minute", models.DateTimeField()),
                ("dependency", models.CharField(max_length=16)),
                ("status", models.CharField(choices=[("up", "Up"), ("down", "Down")], max_length=8)),
                (
                    "milliseconds",
                    models.FloatField(
                        help_text="Until it answered; for the worker, until the heartbeat came."
                    ),
                ),
                ("reason", models.CharField(blank=True, max_length=300)),
            ],
            options={
                "verbose_name": "uptime log",
                "constraints": [
                    models.UniqueConstraint(fields=("dependency", "minute"), name="uptime_once_a_minute")
                ],
                "indexes": [models.Index(fields=["minute"], name="uptime_minute")],
            },
        ),
    ]
