from django.db import migrations

from audit.sqlfiles import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("reviews", "0003_desk"), ("memory", "0005_guards")]
    operations = [run_sql_file(__file__, "desk_v1")]
