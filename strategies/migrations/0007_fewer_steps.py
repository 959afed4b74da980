"""What a score costs the database: one index entry and one statement less."""

from pathlib import Path

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("strategies", "0006_requests_and_permissions")]
    operations = [
        migrations.AlterField(
            "score",
            "reverses",
            models.ForeignKey(
                "strategies.score",
                on_delete=django.db.models.deletion.DO_NOTHING,
                db_constraint=False,
                db_index=False,
                null=True,
                related_name="reversals",
            ),
        ),
        migrations.AddConstraint(
            "score",
            models.UniqueConstraint(
                name="score_reversed_once", fields=["reverses"], condition=Q(reverses__isnull=False)
            ),
        ),
        migrations.RunSQL((SQL / "0007_fewer_steps.sql").read_text(), migrations.RunSQL.noop),
    ]
