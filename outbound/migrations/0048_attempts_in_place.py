"""
The outcome of a try is written beside the row that said it has begun.

On PostgreSQL pages are left half empty, so that no index is touched a second time; and the index of the messages goes,
which the unique key of message and number starts with.
"""

from __future__ import annotations

from typing import Any

import django.db.models.deletion
from django.db import migrations, models


TABLE = "outbound_deliveryattempt"


def leave_room(apps: Any, schema_editor: Any) -> None:
    """Fill pages that are written from now on by half."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"ALTER TABLE {TABLE} SET (fillfactor = 50)")


def fill(apps: Any, schema_editor: Any) -> None:
    """Fill pages as PostgreSQL does by itself."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"ALTER TABLE {TABLE} RESET (fillfactor)")


class Migration(migrations.Migration):
    rolling_reason = "An index goes: only the catalogue changes, and the release before writes the same rows."

    dependencies = [("outbound", "0047_message_key_replaced")]
    operations = [
        migrations.AlterField(
            model_name="deliveryattempt",
            name="message",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="attempts",
                to="outbound.outboundmessage",
            ),
        ),
        migrations.RunPython(leave_room, fill),
    ]
