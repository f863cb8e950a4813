from django.db import migrations

from audit.sqlfiles import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_checkpoint_guards")]
    operations = [run_sql_file(__file__, "search_v1")]
