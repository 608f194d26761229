"""
Totals of days are read from an index alone: what adds up many days looks into no block.

It is built beside the traffic, partition by partition; new partitions are made with it.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations


INDEX = "vee_block_totals"
COLUMNS = "(measuring_component_id, start) INCLUDE (total)"
MISSING = f"""
    SELECT p.relname FROM pg_inherits i JOIN pg_class p ON p.oid = i.inhrelid
     WHERE i.inhparent = 'vee_measurementblock'::regclass
           AND NOT EXISTS (
               SELECT FROM pg_inherits j JOIN pg_index x ON x.indexrelid = j.inhrelid
                WHERE j.inhparent = '{INDEX}'::regclass AND x.indrelid = p.oid)
     ORDER BY p.relname
"""  # noqa: S608  a name of ours


def forwards(apps: Any, schema_editor: Any) -> None:
    """Build the index of each partition that has none; what a run before left half built is built anew."""
    if schema_editor.connection.vendor != "postgresql":
        return
    schema_editor.execute(f"CREATE INDEX IF NOT EXISTS {INDEX} ON ONLY vee_measurementblock {COLUMNS}")
    with schema_editor.connection.cursor() as cursor:
        cursor.execute(MISSING)
        partitions = [name for (name,) in cursor.fetchall()]
    for partition in partitions:
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {partition}_totals")
        schema_editor.execute(f"CREATE INDEX CONCURRENTLY {partition}_totals ON {partition} {COLUMNS}")
        schema_editor.execute(f"ALTER INDEX {INDEX} ATTACH PARTITION {partition}_totals")


def backwards(apps: Any, schema_editor: Any) -> None:
    """Drop it, in all partitions."""
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP INDEX IF EXISTS {INDEX}")


class Migration(migrations.Migration):
    atomic = False

    dependencies = [("vee", "0017_measurement_sql_by_array")]
    operations = [migrations.RunPython(forwards, backwards, atomic=False)]
