import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("integration", "0087_indexes_replaced"),
    ]

    operations = [
        migrations.AddField(
            model_name="enrollmentrecord",
            name="received_at",
            field=models.DateTimeField(
                db_default=django.db.models.functions.datetime.Now(), help_text="When the run that has it took it."
            ),
        ),
    ]
