from django.db import migrations

from audit.sqlfiles import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("reviews", "0012_signatures")]
    operations = [run_sql_file(__file__, "signatures_v1"), run_sql_file(__file__, "waivers_v1")]
