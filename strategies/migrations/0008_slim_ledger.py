from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("strategies", "0007_fewer_steps")]
    operations = []
