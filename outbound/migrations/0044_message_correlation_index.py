from django.db import migrations, models

from foundation.migration_operations import AddIndexAtWork


class Migration(migrations.Migration):

    # The index of a large table is made while the product runs.
    atomic = False

    dependencies = [
        ("outbound", "0043_dead_letters"),
    ]

    operations = [
        AddIndexAtWork(
            "outboundmessage",
            models.Index(
                fields=["correlation_id"],
                condition=models.Q(("correlation_id", ""), _negated=True),
                name="outbound_message_correlation",
            ),
        ),
    ]
