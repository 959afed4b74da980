from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("observability", "0002_audit_trail")]
    operations = []
