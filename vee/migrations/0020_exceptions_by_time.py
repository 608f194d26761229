from __future__ import annotations

from django.db import migrations, models

from foundation.migration_operations import AddIndexAtWork


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("vee", "0019_completeness_by_day")]
    operations = [
        AddIndexAtWork(
            model_name="veeexception",
            index=models.Index(fields=["created_at"], name="vee_exception_created"),
        ),
    ]
