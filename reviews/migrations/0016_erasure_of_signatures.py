from django.db import migrations

from audit.sqlfiles import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("reviews", "0015_erasure_guards")]
    operations = [run_sql_file(__file__, "erasure_v2")]
