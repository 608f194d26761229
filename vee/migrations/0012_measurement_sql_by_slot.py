"""
The same function and view, several times as fast.

What is the same for a whole block (the unit of its values, the length of an interval, which slots lie in the range) is
worked out once for the block and not once for each interval. The function no longer sorts: a query that wants an order
says so.
"""

from __future__ import annotations

import importlib
from typing import Any

from django.db import migrations


READING = """
    SELECT b.measuring_component_id,{block_start}
           b.start + u.slot * k.step AS measured_at,
           u.value * k.unit AS value,
           coalesce(u.condition, 501000) AS condition,
           coalesce(u.flag, 0) & 1 = 1 AS user_edited
      FROM vee_measurementblock b
     CROSS JOIN LATERAL (
           SELECT round(10::numeric ^ -b.scale, b.scale) AS unit,
                  make_interval(secs => b.seconds_per_interval) AS step{slots}
           OFFSET 0) k
     CROSS JOIN LATERAL unnest(b."values", b.conditions, b.flags)
           WITH ORDINALITY AS u(value, condition, flag, slot)
     WHERE u.condition IS DISTINCT FROM 0{where}
"""
SLOTS = """,
                  floor(extract(epoch FROM t0 - b.start) / b.seconds_per_interval)::bigint AS after,
                  floor(extract(epoch FROM t1 - b.start) / b.seconds_per_interval)::bigint AS until"""
RANGE = """
           AND u.slot > k.after AND u.slot <= k.until
           AND b.start < t1 AND b.start > t0 - interval '24 hours'
           AND b.measuring_component_id = ANY (components)"""

FORWARDS = (
    f"""
    CREATE OR REPLACE FUNCTION measurements(t0 timestamptz, t1 timestamptz, components bigint[])
    RETURNS TABLE (measuring_component_id bigint, measured_at timestamptz, value numeric, condition integer,
                   user_edited boolean)
    LANGUAGE sql STABLE PARALLEL SAFE AS $$
        {READING.format(block_start="", slots=SLOTS, where=RANGE)}
    $$
    """,
    f"""
    CREATE OR REPLACE VIEW vee_measurement AS
        {READING.format(block_start=" b.start AS block_start,", slots="", where="")}
    """,
)


def forwards(apps: Any, schema_editor: Any) -> None:
    """Replace function and view where there are any."""
    if schema_editor.connection.vendor == "postgresql":
        for statement in FORWARDS:
            schema_editor.execute(statement)


def backwards(apps: Any, schema_editor: Any) -> None:
    """Put those of the first version back."""
    if schema_editor.connection.vendor == "postgresql":
        first = importlib.import_module("vee.migrations.0002_measurement_sql")
        for statement in (*first.BACKWARDS, *first.FORWARDS):
            schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("vee", "0011_run_logs")]
    operations = [migrations.RunPython(forwards, backwards)]
