from django.db import migrations

from audit.sqlfiles import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("audit", "0007_salts_and_erasures")]
    operations = [run_sql_file(__file__, "salts_v1"), run_sql_file(__file__, "erasures_v1")]
