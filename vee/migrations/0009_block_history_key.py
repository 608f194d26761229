"""
What replaced blocks were is known by block and version, so that it can lie beside the blocks on any machine.

A table that is distributed by measuring component may have no key without it.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations, models


OLD, NEW = "vee_measurementblockhistory", "vee_measurementblockhistory_new"
COLUMNS = (
    'measuring_component_id, start, seconds_per_interval, scale, "values", conditions, flags, readings, imd_id, version, '
    "replaced_at, replaced_by_imd_id"
)


def forwards(apps: Any, schema_editor: Any) -> None:
    """Give the table its key; where a key cannot be changed, by way of a new table."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute("DROP INDEX block_history_block")
        schema_editor.execute(f"ALTER TABLE {OLD} DROP COLUMN id")
        schema_editor.execute(f"ALTER TABLE {OLD} ADD PRIMARY KEY (measuring_component_id, start, version)")
        return
    schema_editor.execute(
        f"""
        CREATE TABLE {NEW} (
            measuring_component_id bigint NOT NULL, start datetime NOT NULL, seconds_per_interval integer NOT NULL,
            scale smallint NOT NULL, "values" BLOB NOT NULL, conditions BLOB NULL, flags BLOB NULL, readings BLOB NULL,
            imd_id bigint NOT NULL, version integer NOT NULL, replaced_at datetime NOT NULL,
            replaced_by_imd_id bigint NOT NULL, PRIMARY KEY (measuring_component_id, start, version)
        )
        """
    )
    schema_editor.execute(f"INSERT INTO {NEW} ({COLUMNS}) SELECT {COLUMNS} FROM {OLD}")
    schema_editor.execute(f"DROP TABLE {OLD}")
    schema_editor.execute(f"ALTER TABLE {NEW} RENAME TO {OLD}")


class Migration(migrations.Migration):
    dependencies = [("vee", "0008_column_profiles")]
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunPython(forwards)],
            state_operations=[
                migrations.RemoveIndex(model_name="measurementblockhistory", name="block_history_block"),
                migrations.RemoveField(model_name="measurementblockhistory", name="id"),
                migrations.AddField(
                    model_name="measurementblockhistory",
                    name="pk",
                    field=models.CompositePrimaryKey(
                        "measuring_component_id", "start", "version", blank=True, editable=False, primary_key=True,
                        serialize=False,
                    ),
                ),
            ],
        )
    ]  # fmt: skip
