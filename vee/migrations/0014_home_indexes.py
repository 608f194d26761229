"""Indexes of what the home page counts, added beside the work."""

from django.db import migrations, models

from foundation.indexes import AddIndexBesideWork


class Migration(migrations.Migration):

    atomic = False
    dependencies = [
        ('vee', '0013_home_counts'),
    ]

    operations = [
        AddIndexBesideWork(
            model_name='measuringcomponentprogress',
            index=models.Index(condition=models.Q(('stale_since__isnull', False)), fields=['stale_since'], name='component_stale'),
        ),
        AddIndexBesideWork(
            model_name='todo',
            index=models.Index(condition=models.Q(('completed_at__isnull', False)), fields=['completed_at'], name='todo_completed'),
        ),
    ]
