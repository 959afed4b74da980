"""Scores are written on what was read without a lock, if it still holds."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("strategies", "0009_one_round_trip")]
    operations = [
        migrations.RunSQL(
            (SQL / "0010_optimistic.sql").read_text(),
            "DROP FUNCTION score_if_unchanged",
        ),
    ]
