from django.db import migrations

from audit.sqlfiles import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("memory", "0003_stops_and_proposers")]
    operations = [run_sql_file(__file__, "proposers_v1")]
