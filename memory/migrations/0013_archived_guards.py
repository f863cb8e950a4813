from django.db import migrations

from audit.sqlfiles import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("memory", "0012_store_settings")]
    operations = [run_sql_file(__file__, "archived_v1")]
