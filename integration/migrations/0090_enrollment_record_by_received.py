from django.db import migrations, models

from foundation.migration_operations import AddIndexAtWork


class Migration(migrations.Migration):

    # Indexes of large tables are made while the product runs.
    atomic = False

    dependencies = [
        ("integration", "0089_fill_enrollment_record_received"),
    ]

    operations = [
        AddIndexAtWork(
            "enrollmentrecord",
            models.Index(fields=["-received_at", "-id", "state"], name="enrollment_record_received"),
        ),
    ]
