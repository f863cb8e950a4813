from django.db import migrations

from audit.sqlfiles import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("memory", "0004_proposers")]
    operations = [run_sql_file(__file__, "guards_v2")]
