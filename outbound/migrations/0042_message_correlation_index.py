from django.db import migrations, models

from foundation.indexes import AddIndexOnline


class Migration(migrations.Migration):

    # The index of a large table is made while the product runs.
    atomic = False

    dependencies = [
        ("outbound", "0041_correlation"),
    ]

    operations = [
        AddIndexOnline(
            "outboundmessage",
            models.Index(
                fields=["correlation_id"],
                condition=models.Q(("correlation_id", ""), _negated=True),
                name="outbound_message_correlation",
            ),
        ),
    ]
