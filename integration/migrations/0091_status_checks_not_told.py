from django.db import migrations, models

from foundation.migration_operations import AddIndexAtWork


class Migration(migrations.Migration):

    # Indexes of large tables are made while the product runs.
    atomic = False

    dependencies = [
        ("integration", "0090_enrollment_record_by_received"),
    ]

    operations = [
        AddIndexAtWork(
            "devicestatuscheck",
            models.Index(
                condition=models.Q(("answer_state__in", ["IN_PROGRESS", "FAILED"])),
                fields=["answered_at", "id"],
                name="status_check_not_told",
            ),
        ),
    ]
