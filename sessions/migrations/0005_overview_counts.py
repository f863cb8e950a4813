from django.db import migrations

from audit.sqlfiles import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("agent_sessions", "0004_overview")]
    operations = [run_sql_file(__file__, "counts_v1")]
