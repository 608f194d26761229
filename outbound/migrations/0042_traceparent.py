from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("outbound", "0041_correlation"),
    ]

    operations = [
        migrations.AddField(
            model_name='outboundmessage',
            name='traceparent',
            field=models.CharField(blank=True, db_default='', default='', help_text='The trace of the work that queued it.', max_length=55),
        ),
    ]
