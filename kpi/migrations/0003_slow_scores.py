"""How many score requests a day there were, and how many took longer than the objectives allow."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("kpi", "0002_day_so_far"),
    ]

    operations = [
        migrations.AddField(
            model_name="kpimetrics",
            name="n_score_requests",
            field=models.BigIntegerField(help_text="With one event each, no batches.", null=True),
        ),
        migrations.AddField(
            model_name="kpimetrics",
            name="n_score_requests_over_200_ms",
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name="kpimetrics",
            name="n_score_requests_over_500_ms",
            field=models.BigIntegerField(null=True),
        ),
    ]
