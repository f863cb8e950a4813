"""A read of a part names the versions that the part held, instead of what had been asked for."""

import django.contrib.postgres.fields
from django.db import migrations, models

from audit.sqlfiles import run_sql_file


class Migration(migrations.Migration):
    dependencies = [("memory", "0014_stale_label")]

    operations = [
        migrations.RemoveConstraint(model_name="memoryread", name="read_once_a_revision"),
        migrations.AddField(
            model_name="memoryread",
            name="versions",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.BigIntegerField(), blank=True, null=True, size=None
            ),
        ),
        run_sql_file(__file__, "versions_read_v1"),
        migrations.RemoveField(model_name="memoryread", name="part"),
        migrations.AddConstraint(
            model_name="memoryread",
            constraint=models.UniqueConstraint(
                models.F("agent"),
                models.F("session_external_id"),
                models.F("store"),
                models.F("revision"),
                models.Func(models.F("versions"), function="daylight_versions_key_v1"),
                name="read_once_a_revision",
            ),
        ),
    ]
