from django.db import migrations

from audit.sqlfiles import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("memory", "0001_initial"), ("audit", "0002_append_only")]
    operations = [run_sql_file(__file__, "guards_v1")]
