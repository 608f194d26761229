from __future__ import annotations

import django.db.models.deletion
from django.db import migrations, models


# Once the keys are no longer checked, so that no check is pending when the column goes. What many rows say alike is kept once; both databases know this form of UPDATE.
_MOVE = (
    "INSERT INTO vee_runlog (details) SELECT DISTINCT details FROM vee_imdtransition WHERE details IS NOT NULL",
    "UPDATE vee_imdtransition SET log_id = l.id FROM vee_runlog AS l WHERE l.details = vee_imdtransition.details",
)
_BACK = (
    "UPDATE vee_imdtransition SET details = l.details FROM vee_runlog AS l WHERE l.id = vee_imdtransition.log_id",
)


class Migration(migrations.Migration):
    dependencies = [("vee", "0010_direct_processing")]
    operations = [
        migrations.CreateModel(
            name="RunLog",
            fields=[
                (
                    "id",
                    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
                ),
                (
                    "details",
                    models.JSONField(help_text="Rules run, skipped and not evaluated, with reasons."),
                ),
            ],
            options={"verbose_name": "run log"},
        ),
        migrations.AddField(
            model_name="imdtransition",
            name="log",
            field=models.ForeignKey(
                blank=True,
                db_constraint=False,
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vee.runlog",
            ),
        ),
        migrations.AlterField(
            model_name="imdtransition",
            name="imd",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="transitions",
                to="vee.initialmeasurement",
            ),
        ),
        migrations.AlterField(
            model_name="imdpayload",
            name="imd",
            field=models.OneToOneField(
                db_constraint=False,
                on_delete=django.db.models.deletion.CASCADE,
                primary_key=True,
                related_name="payload",
                serialize=False,
                to="vee.initialmeasurement",
            ),
        ),
        migrations.RunSQL(list(_MOVE), list(_BACK)),
        migrations.RemoveField(model_name="imdtransition", name="details"),
    ]
