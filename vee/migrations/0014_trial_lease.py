from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("vee", "0013_imd_file_without_constraint"),
    ]

    operations = [
        migrations.AddField(
            model_name='ruletrial',
            name='lease_until',
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
