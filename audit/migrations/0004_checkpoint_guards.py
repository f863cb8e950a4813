from django.db import migrations

from audit.sqlfiles import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_checkpoints")]
    operations = [run_sql_file(__file__, "checkpoints_v1")]
