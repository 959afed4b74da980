from pathlib import Path

from django.db import migrations

SQL = Path(__file__).parent / "sql" / "0002_triggers.sql"


class Migration(migrations.Migration):
    dependencies = [("strategies", "0001_initial")]
    operations = [migrations.RunSQL(SQL.read_text())]
