from django.db import migrations

from foundation.migration_operations import AddFoldedStartIndexAtWork


class Migration(migrations.Migration):

    # Indexes of a large table are made while the product runs.
    atomic = False

    dependencies = [
        ("foundation", "0003_preference"),
    ]

    operations = [
        AddFoldedStartIndexAtWork("auditentry", "by", "audit_entry_by_start"),
        AddFoldedStartIndexAtWork("auditentry", "name", "audit_entry_name_start"),
        AddFoldedStartIndexAtWork("auditentry", "reason", "audit_entry_reason_start"),
    ]
