"""Indexes of what the home page counts, added beside the work."""

from django.db import migrations, models

from foundation.migration_operations import AddIndexAtWork


class Migration(migrations.Migration):

    atomic = False
    dependencies = [
        ("vee", "0015_home_counts"),
    ]

    operations = [
        AddIndexAtWork(
            model_name='measuringcomponentprogress',
            index=models.Index(condition=models.Q(('stale_since__isnull', False)), fields=['stale_since'], name='component_stale'),
        ),
        AddIndexAtWork(
            model_name='todo',
            index=models.Index(condition=models.Q(('completed_at__isnull', False)), fields=['completed_at'], name='todo_completed'),
        ),
    ]
