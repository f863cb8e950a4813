from django.db import migrations

from audit.sqlfiles import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("reviews", "0001_initial"), ("memory", "0002_guards")]
    operations = [run_sql_file(__file__, "decisions_v1")]
