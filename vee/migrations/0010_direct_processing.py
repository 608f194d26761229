from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models

import vee.models.fields


_HELP = (
    "Interval kinds: readings of files about which there is nothing to say become measurements at once, with the file "
    "as evidence and no IMD of their own."
)


class Migration(migrations.Migration):
    dependencies = [("vee", "0009_block_history_key")]
    operations = [
        *(
            migrations.AddField(
                model_name=name,
                name="direct_processing",
                field=models.BooleanField(default=False, help_text=_HELP),
            )
            for name in ("historicalmeasuringcomponenttype", "measuringcomponenttype")
        ),
        migrations.CreateModel(
            name="DirectLoad",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                ("first_imd_id", models.BigIntegerField(db_index=True)),
                ("last_imd_id", models.BigIntegerField()),
                ("imd_ids", vee.models.fields.NumberArrayField(dtype="int64")),
                ("lines", vee.models.fields.NumberArrayField(dtype="int64")),
                ("at", models.DateTimeField()),
                (
                    "details",
                    models.JSONField(help_text="Rules run and skipped, as in the transition of an IMD."),
                ),
                (
                    "file",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="direct_loads",
                        to="vee.readingfile",
                    ),
                ),
            ],
            options={"verbose_name": "direct load"},
        ),
    ]
