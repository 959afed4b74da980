"""A score in one round trip, where its program reads no figures."""

from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql"


class Migration(migrations.Migration):
    dependencies = [("strategies", "0008_player_actions")]
    operations = [
        migrations.RunSQL(
            (SQL / "0009_one_round_trip.sql").read_text(),
            "DROP FUNCTION score_at_once",
        ),
    ]
