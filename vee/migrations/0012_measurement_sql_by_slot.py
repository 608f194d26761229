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


UNIT = """
           SELECT round(10::numeric ^ -b.scale, b.scale) AS unit,
                  make_interval(secs => b.seconds_per_interval) AS step"""
SLOTS = """,
                  floor(extract(epoch FROM t0 - b.start) / b.seconds_per_interval)::bigint AS after,
                  floor(extract(epoch FROM t1 - b.start) / b.seconds_per_interval)::bigint AS until"""
ASKED = """
           u.slot > k.after AND u.slot <= k.until
           AND b.start < t1 AND b.start > t0 - interval '24 hours'
           AND b.measuring_component_id = ANY (components)"""
# Nearly all blocks: every interval Regular and none edited.
PLAIN = "b.conditions IS NULL AND b.flags IS NULL"

FUNCTION = f"""
    CREATE OR REPLACE FUNCTION measurements(t0 timestamptz, t1 timestamptz, components bigint[])
    RETURNS TABLE (measuring_component_id bigint, measured_at timestamptz, value numeric, condition integer,
                   user_edited boolean)
    LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT b.measuring_component_id, b.start + u.slot * k.step, u.value * k.unit, 501000, false
      FROM vee_measurementblock b
     CROSS JOIN LATERAL ({UNIT}{SLOTS} OFFSET 0) k
     CROSS JOIN LATERAL unnest(b."values") WITH ORDINALITY AS u(value, slot)
     WHERE {PLAIN} AND {ASKED}
     UNION ALL
    SELECT b.measuring_component_id, b.start + u.slot * k.step, u.value * k.unit, coalesce(u.condition, 501000),
           coalesce(u.flag, 0) & 1 = 1
      FROM vee_measurementblock b
     CROSS JOIN LATERAL ({UNIT}{SLOTS} OFFSET 0) k
     CROSS JOIN LATERAL unnest(b."values", b.conditions, b.flags)
           WITH ORDINALITY AS u(value, condition, flag, slot)
     WHERE NOT ({PLAIN}) AND u.condition IS DISTINCT FROM 0 AND {ASKED}
    $$
"""
VIEW = f"""
    CREATE OR REPLACE VIEW vee_measurement AS
    SELECT b.measuring_component_id, b.start AS block_start, b.start + u.slot * k.step AS measured_at,
           u.value * k.unit AS value, coalesce(u.condition, 501000) AS condition,
           coalesce(u.flag, 0) & 1 = 1 AS user_edited
      FROM vee_measurementblock b
     CROSS JOIN LATERAL ({UNIT} OFFSET 0) k
     CROSS JOIN LATERAL unnest(b."values", b.conditions, b.flags)
           WITH ORDINALITY AS u(value, condition, flag, slot)
     WHERE u.condition IS DISTINCT FROM 0
"""


def forwards(apps: Any, schema_editor: Any) -> None:
    """Replace function and view where there are any."""
    if schema_editor.connection.vendor == "postgresql":
        for statement in (FUNCTION, VIEW):
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
