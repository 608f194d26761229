"""The key of an IMD's file is not checked by the database any more: the load that writes it holds the file's row."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    rolling_reason = "A constraint goes: only the catalogue changes, and the release before writes the same rows."

    dependencies = [("vee", "0012_measurement_sql_by_slot")]

    operations = [
        migrations.AlterField(
            model_name="initialmeasurement",
            name="reading_file",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="imd_rows",
                to="vee.readingfile",
            ),
        )
    ]
