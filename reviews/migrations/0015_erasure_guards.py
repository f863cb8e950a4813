from django.db import migrations

from audit.sqlfiles import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("reviews", "0014_evidence_reviews"), ("audit", "0008_salt_and_erasure_guards")]
    operations = [run_sql_file(__file__, "decisions_v2"), run_sql_file(__file__, "erasure_v1")]
