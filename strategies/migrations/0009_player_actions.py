from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("strategies", "0008_slim_ledger")]
    operations = []
