from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("observability", "0001_executions")]
    operations = []
