from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql" / "0003_score_functions.sql"


class Migration(migrations.Migration):
    dependencies = [("strategies", "0002_triggers")]
    operations = [migrations.RunSQL(SQL.read_text())]
