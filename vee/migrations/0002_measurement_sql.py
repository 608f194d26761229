"""
What SQL users read measurements through, on PostgreSQL: a function and a view.

The function has the predicate on the blocks inside it. The view shows `block_start`, and a query of it that does not
filter by `block_start` unnests the whole table: the comment on the view says so.
"""

from __future__ import annotations

from typing import Any

from django.db import migrations


READING = """
    SELECT b.measuring_component_id,
           b.start AS block_start,
           b.start + make_interval(secs => b.seconds_per_interval * u.slot) AS measured_at,
           round(u.value / (10::numeric ^ b.scale), b.scale) AS value,
           coalesce(u.condition, 501000) AS condition,
           coalesce(u.flag, 0) & 1 = 1 AS user_edited
      FROM vee_measurementblock b
     CROSS JOIN LATERAL unnest(b."values", b.conditions, b.flags)
           WITH ORDINALITY AS u(value, condition, flag, slot)
     WHERE coalesce(u.condition, 501000) <> 0
"""

FORWARDS = (
    f"""
    CREATE FUNCTION measurements(t0 timestamptz, t1 timestamptz, components bigint[])
    RETURNS TABLE (measuring_component_id bigint, measured_at timestamptz, value numeric, condition integer,
                   user_edited boolean)
    LANGUAGE sql STABLE PARALLEL SAFE AS $$
        SELECT r.measuring_component_id, r.measured_at, r.value, r.condition, r.user_edited
          FROM ({READING} AND b.start < t1 AND b.start > t0 - interval '24 hours'
                AND b.measuring_component_id = ANY (components)) r
         WHERE r.measured_at > t0 AND r.measured_at <= t1
         ORDER BY r.measuring_component_id, r.measured_at
    $$
    """,
    """
    COMMENT ON FUNCTION measurements(timestamptz, timestamptz, bigint[]) IS
    'Final measurements of the components, labelled at interval end, with t0 < measured_at <= t1.'
    """,
    f"CREATE VIEW vee_measurement AS {READING}",
    """
    COMMENT ON VIEW vee_measurement IS
    'One row per final measurement. Always filter by block_start (the start of its standard-time day of 24 hours): '
    'a predicate on measured_at alone reads every block there is.'
    """,
)
BACKWARDS = ("DROP VIEW vee_measurement", "DROP FUNCTION measurements(timestamptz, timestamptz, bigint[])")


def forwards(apps: Any, schema_editor: Any) -> None:
    """Create function and view where the database has arrays."""
    if schema_editor.connection.vendor == "postgresql":
        for statement in FORWARDS:
            schema_editor.execute(statement)


def backwards(apps: Any, schema_editor: Any) -> None:
    """Remove function and view."""
    if schema_editor.connection.vendor == "postgresql":
        for statement in BACKWARDS:
            schema_editor.execute(statement)


class Migration(migrations.Migration):
    dependencies = [("vee", "0001_initial")]
    operations = [migrations.RunPython(forwards, backwards)]
