from django.db import migrations, models

from foundation.migration_operations import AddIndexAtWork


SEARCH = "run_identifier_start"


def add_search(apps, schema_editor):
    # People search by the start of an identifier, in either case: what LIKE can use is the folded text, by its bytes.
    if schema_editor.connection.vendor == "postgresql":
        table = schema_editor.quote_name(apps.get_model("integration", "RunIdentifier")._meta.db_table)
        schema_editor.execute(
            f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {SEARCH} ON {table} (UPPER(value::text) text_pattern_ops, run_id)"
        )


def remove_search(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {SEARCH}")


class Migration(migrations.Migration):

    # Indexes of large tables are made while the product runs.
    atomic = False

    dependencies = [
        ("integration", "0083_reservations_without_lookups"),
    ]

    operations = [
        AddIndexAtWork("flowrun", models.Index(fields=["state", "-started_at"], name="flow_run_by_state")),
        AddIndexAtWork(
            "flowrun",
            models.Index(
                fields=["fault_type", "-started_at"],
                condition=models.Q(("fault_type", ""), _negated=True),
                name="flow_run_by_fault",
            ),
        ),
        AddIndexAtWork("flowrun", models.Index(fields=["correlation_id"], name="flow_run_correlation")),
        AddIndexAtWork(
            "enrollmentsync",
            models.Index(
                fields=["received_at", "id"],
                condition=models.Q(("ack_state", "DELIVERED"), _negated=True),
                name="enrollment_sync_not_told",
            ),
        ),
        migrations.RunPython(add_search, remove_search),
    ]
