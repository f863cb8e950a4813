from django.db import migrations

from audit.sqlfiles import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("reviews", "0010_queue")]
    operations = [run_sql_file(__file__, "edit_guard_v1")]
