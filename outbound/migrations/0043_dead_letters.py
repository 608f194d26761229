"""An index of dead letters alone, added beside the work."""

from django.db import migrations, models

from foundation.migration_operations import AddIndexAtWork


class Migration(migrations.Migration):

    atomic = False
    dependencies = [
        ("outbound", "0042_traceparent"),
    ]

    operations = [
        AddIndexAtWork(
            model_name='outboundmessage',
            index=models.Index(condition=models.Q(('next_attempt_at__isnull', True), ('status', 'FAIL')), fields=['-id'], name='outbound_message_dead'),
        ),
    ]
