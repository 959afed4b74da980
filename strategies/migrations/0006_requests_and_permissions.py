"""Scores by request id, for the search of the admin; permissions for what is more than a change of a row."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("strategies", "0005_throttles_and_score_lists")]
    operations = [
        migrations.AddIndex("score", models.Index(name="score_request", fields=["request_id"])),
        migrations.AlterModelOptions("score", {"permissions": [("reverse_score", "Can take a score back")]}),
        migrations.AlterModelOptions(
            "strategy",
            {
                "permissions": [("operate_strategy", "Can roll back and archive a strategy")],
                "verbose_name_plural": "strategies",
            },
        ),
    ]
