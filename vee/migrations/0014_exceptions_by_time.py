from __future__ import annotations

from django.db import migrations, models

from foundation.indexes import AddIndexOnline


class Migration(migrations.Migration):
    atomic = False
    dependencies = [("vee", "0013_completeness_by_day")]
    operations = [
        AddIndexOnline(
            model_name="veeexception",
            index=models.Index(fields=["created_at"], name="vee_exception_created"),
        ),
    ]
