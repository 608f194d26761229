from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('outbound', '0040_hub_message_paths'),
    ]

    operations = [
        migrations.AddField(
            model_name='outboundmessage',
            name='correlation_id',
            field=models.CharField(blank=True, db_default='', default='', help_text='The id of the work that queued it.', max_length=100),
        ),
    ]
