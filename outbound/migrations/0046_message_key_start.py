from django.db import migrations, models

from foundation.migration_operations import AddIndexAtWork


class Migration(migrations.Migration):

    # Indexes of large tables are made while the product runs.
    atomic = False

    dependencies = [
        ("outbound", "0045_mail_attachments"),
    ]

    operations = [
        AddIndexAtWork(
            "outboundmessage",
            models.Index(
                condition=models.Q(("key", ""), _negated=True),
                fields=["external_system", "key", "id"],
                name="outbound_message_key_start",
                opclasses=["int8_ops", "varchar_pattern_ops", "int8_ops"],
            ),
        ),
    ]
