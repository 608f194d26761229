"""Fields are named and explained in words; the tables stay as they are."""

import assets.identifiers
import django.core.validators
from decimal import Decimal
from django.db import migrations, models


class Migration(migrations.Migration):
    rolling_reason = "Only names and help texts change: nothing is done to the database."

    dependencies = [
        ('assets', '0002_search_indexes'),
    ]

    operations = [
        migrations.AlterField(
            model_name='communication',
            name='identifier',
            field=models.CharField(default=assets.identifiers.new_message_identifier, help_text='communicationId in messages.', max_length=30, unique=True),
        ),
        migrations.AlterField(
            model_name='contact',
            name='cis_person_id',
            field=models.CharField(max_length=60, unique=True, verbose_name='CIS person id'),
        ),
        migrations.AlterField(
            model_name='contact',
            name='identifier',
            field=models.CharField(default=assets.identifiers.new_identifier, help_text='contactId in messages.', max_length=30, unique=True),
        ),
        migrations.AlterField(
            model_name='controlscore',
            name='reason',
            field=models.CharField(blank=True, help_text='Why it is not eligible, ineligibilityReason in files.', max_length=30),
        ),
        migrations.AlterField(
            model_name='devicelocation',
            name='cis_premise_id',
            field=models.CharField(blank=True, max_length=60, verbose_name='CIS premise id'),
        ),
        migrations.AlterField(
            model_name='devicelocation',
            name='identifier',
            field=models.CharField(default=assets.identifiers.new_identifier, help_text='deviceLocationId in messages.', max_length=30, unique=True),
        ),
        migrations.AlterField(
            model_name='devicespecification',
            name='code',
            field=models.CharField(help_text='specification in messages, e.g. ECOBEE-SMART5.', max_length=120, unique=True),
        ),
        migrations.AlterField(
            model_name='devicespecification',
            name='device_type',
            field=models.CharField(help_text='deviceType in messages, e.g. SMART-THERMOSTAT.', max_length=120),
        ),
        migrations.AlterField(
            model_name='enrollment',
            name='identifier',
            field=models.CharField(default=assets.identifiers.new_identifier, help_text='enrollmentId in messages.', max_length=30, unique=True),
        ),
        migrations.AlterField(
            model_name='headendsystem',
            name='name',
            field=models.CharField(help_text='headEndSystem in messages, e.g. ECOBEE.', max_length=50, unique=True),
        ),
        migrations.AlterField(
            model_name='historicalcontact',
            name='cis_person_id',
            field=models.CharField(db_index=True, max_length=60, verbose_name='CIS person id'),
        ),
        migrations.AlterField(
            model_name='historicalcontact',
            name='identifier',
            field=models.CharField(db_index=True, default=assets.identifiers.new_identifier, help_text='contactId in messages.', max_length=30),
        ),
        migrations.AlterField(
            model_name='historicaldevicelocation',
            name='cis_premise_id',
            field=models.CharField(blank=True, max_length=60, verbose_name='CIS premise id'),
        ),
        migrations.AlterField(
            model_name='historicaldevicelocation',
            name='identifier',
            field=models.CharField(db_index=True, default=assets.identifiers.new_identifier, help_text='deviceLocationId in messages.', max_length=30),
        ),
        migrations.AlterField(
            model_name='historicaldevicespecification',
            name='code',
            field=models.CharField(db_index=True, help_text='specification in messages, e.g. ECOBEE-SMART5.', max_length=120),
        ),
        migrations.AlterField(
            model_name='historicaldevicespecification',
            name='device_type',
            field=models.CharField(help_text='deviceType in messages, e.g. SMART-THERMOSTAT.', max_length=120),
        ),
        migrations.AlterField(
            model_name='historicalheadendsystem',
            name='name',
            field=models.CharField(db_index=True, help_text='headEndSystem in messages, e.g. ECOBEE.', max_length=50),
        ),
        migrations.AlterField(
            model_name='historicalprogram',
            name='code',
            field=models.CharField(db_index=True, help_text='programCode in messages, e.g. SMART-COOL.', max_length=60),
        ),
        migrations.AlterField(
            model_name='historicalprogram',
            name='identifier',
            field=models.CharField(db_index=True, default=assets.identifiers.new_identifier, help_text='programId in messages.', max_length=30),
        ),
        migrations.AlterField(
            model_name='historicalprogram',
            name='reference_kw',
            field=models.DecimalField(decimal_places=3, default=Decimal('3.5'), help_text='Power of a device that counts in full, kW.', max_digits=9, validators=[django.core.validators.MinValueValidator(Decimal('0.001'))], verbose_name='reference power'),
        ),
        migrations.AlterField(
            model_name='historicalprogram',
            name='subscription_type',
            field=models.CharField(default='DR-RES', help_text='subscriptionType in messages.', max_length=30),
        ),
        migrations.AlterField(
            model_name='historicalprogramsubscription',
            name='cis_account_id',
            field=models.CharField(blank=True, max_length=60, verbose_name='CIS account id'),
        ),
        migrations.AlterField(
            model_name='historicalprogramsubscription',
            name='cis_service_agreement_id',
            field=models.CharField(blank=True, max_length=60, verbose_name='CIS service agreement id'),
        ),
        migrations.AlterField(
            model_name='program',
            name='code',
            field=models.CharField(help_text='programCode in messages, e.g. SMART-COOL.', max_length=60, unique=True),
        ),
        migrations.AlterField(
            model_name='program',
            name='identifier',
            field=models.CharField(default=assets.identifiers.new_identifier, help_text='programId in messages.', max_length=30, unique=True),
        ),
        migrations.AlterField(
            model_name='program',
            name='reference_kw',
            field=models.DecimalField(decimal_places=3, default=Decimal('3.5'), help_text='Power of a device that counts in full, kW.', max_digits=9, validators=[django.core.validators.MinValueValidator(Decimal('0.001'))], verbose_name='reference power'),
        ),
        migrations.AlterField(
            model_name='program',
            name='subscription_type',
            field=models.CharField(default='DR-RES', help_text='subscriptionType in messages.', max_length=30),
        ),
        migrations.AlterField(
            model_name='programevent',
            name='external_identifier',
            field=models.CharField(help_text='eventExternalIdentifier in messages.', max_length=120, unique=True),
        ),
        migrations.AlterField(
            model_name='programsubscription',
            name='cis_account_id',
            field=models.CharField(blank=True, max_length=60, verbose_name='CIS account id'),
        ),
        migrations.AlterField(
            model_name='programsubscription',
            name='cis_service_agreement_id',
            field=models.CharField(blank=True, max_length=60, verbose_name='CIS service agreement id'),
        ),
        migrations.AlterField(
            model_name='syncchange',
            name='what',
            field=models.CharField(help_text='What changed, in words or as the kind of record.', max_length=200),
        ),
        migrations.AlterField(
            model_name='syncrequest',
            name='sync_request_id',
            field=models.CharField(default=assets.identifiers.new_message_identifier, help_text='syncRequestId in messages.', max_length=14, unique=True),
        ),
    ]
