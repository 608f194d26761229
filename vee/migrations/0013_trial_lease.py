from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('vee', '0012_measurement_sql_by_slot'),
    ]

    operations = [
        migrations.AddField(
            model_name='ruletrial',
            name='lease_until',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
