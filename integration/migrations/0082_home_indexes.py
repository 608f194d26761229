"""Indexes of what the home page counts, added beside the work."""

from django.db import migrations, models

from foundation.migration_operations import AddIndexAtWork


class Migration(migrations.Migration):

    atomic = False
    dependencies = [
        ("integration", "0081_home_and_unmapped_codes"),
    ]

    operations = [
        AddIndexAtWork(
            model_name='enrollmentsync',
            index=models.Index(condition=models.Q(('ack_state__in', ['EXPECTED', 'WAITING', 'FAILED'])), fields=['ack_state', 'ack_due_at'], name='enrollment_sync_unacknowledged'),
        ),
        AddIndexAtWork(
            model_name='flowrun',
            index=models.Index(condition=models.Q(('state', 'FAILED')), fields=['finished_at', 'flow'], name='flow_run_failed'),
        ),
    ]
