"""An index of dead letters alone, added beside the work."""

from django.db import migrations, models

from foundation.indexes import AddIndexOnline


class Migration(migrations.Migration):

    atomic = False
    dependencies = [
        ('outbound', '0041_correlation'),
    ]

    operations = [
        AddIndexOnline(
            model_name='outboundmessage',
            index=models.Index(condition=models.Q(('next_attempt_at__isnull', True), ('status', 'FAIL')), fields=['-id'], name='outbound_message_dead'),
        ),
    ]
