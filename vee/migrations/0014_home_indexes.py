"""Indexes of what the home page counts, added beside the work."""

from django.db import migrations, models

from foundation.indexes import AddIndexOnline


class Migration(migrations.Migration):

    atomic = False
    dependencies = [
        ('vee', '0013_home_counts'),
    ]

    operations = [
        AddIndexOnline(
            model_name='measuringcomponentprogress',
            index=models.Index(condition=models.Q(('stale_since__isnull', False)), fields=['stale_since'], name='component_stale'),
        ),
        AddIndexOnline(
            model_name='todo',
            index=models.Index(condition=models.Q(('completed_at__isnull', False)), fields=['completed_at'], name='todo_completed'),
        ),
    ]
