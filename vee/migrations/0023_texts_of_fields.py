"""Fields are named and explained in words; the tables stay as they are."""

import django.core.validators
from decimal import Decimal
from django.db import migrations, models


class Migration(migrations.Migration):
    rolling_reason = "Only names and help texts change: nothing is done to the database."

    dependencies = [
        ('vee', '0022_file_name_index'),
    ]

    operations = [
        migrations.AlterField(
            model_name='historicalmeasuringcomponenttype',
            name='rollover_threshold',
            field=models.DecimalField(decimal_places=6, default=Decimal('0.5'), help_text="Scalar kinds: a step beyond this share of the register's range is a rollover.", max_digits=7, validators=[django.core.validators.MinValueValidator(Decimal('0.000001')), django.core.validators.MaxValueValidator(1)]),
        ),
        migrations.AlterField(
            model_name='historicalveerule',
            name='eligibility',
            field=models.JSONField(blank=True, default=list, help_text='Criteria that decide whether the rule applies to an IMD.'),
        ),
        migrations.AlterField(
            model_name='installevent',
            name='multiplier',
            field=models.DecimalField(decimal_places=6, default=1, help_text="Multiplies the measuring component's own.", max_digits=15),
        ),
        migrations.AlterField(
            model_name='measuringcomponenttype',
            name='rollover_threshold',
            field=models.DecimalField(decimal_places=6, default=Decimal('0.5'), help_text="Scalar kinds: a step beyond this share of the register's range is a rollover.", max_digits=7, validators=[django.core.validators.MinValueValidator(Decimal('0.000001')), django.core.validators.MaxValueValidator(1)]),
        ),
        migrations.AlterField(
            model_name='veerule',
            name='eligibility',
            field=models.JSONField(blank=True, default=list, help_text='Criteria that decide whether the rule applies to an IMD.'),
        ),
    ]
