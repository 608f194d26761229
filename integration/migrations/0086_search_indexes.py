from django.db import migrations, models

from foundation.migration_operations import AddIndexAtWork


FILE_NAMES = "transferred_file_name_start"


def add_names(apps, schema_editor):
    # People search by the start of a name, in either case: what LIKE can use is the folded text, by its bytes.
    if schema_editor.connection.vendor == "postgresql":
        table = schema_editor.quote_name(apps.get_model("integration", "TransferredFile")._meta.db_table)
        schema_editor.execute(
            f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {FILE_NAMES} ON {table} (UPPER(name::text) text_pattern_ops)"
        )


def remove_names(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        schema_editor.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {FILE_NAMES}")


class Migration(migrations.Migration):

    # Indexes of large tables are made while the product runs.
    atomic = False

    dependencies = [
        ("integration", "0085_report_schedules"),
    ]

    operations = [
        AddIndexAtWork(
            "reservation",
            models.Index(fields=["nic_id"], name="reservation_nic_start", opclasses=["varchar_pattern_ops"]),
        ),
        AddIndexAtWork(
            "outcome",
            models.Index(fields=["nic_id"], name="outcome_nic_start", opclasses=["varchar_pattern_ops"]),
        ),
        AddIndexAtWork(
            "enrollmentrecord",
            models.Index(
                condition=models.Q(("state", "SUCCESS"), _negated=True),
                fields=["state", "-id"],
                name="enrollment_record_open",
            ),
        ),
        AddIndexAtWork(
            "outcome",
            models.Index(
                condition=models.Q(("state", "POSTED"), _negated=True),
                fields=["state", "-id"],
                name="outcome_not_taken",
            ),
        ),
        AddIndexAtWork(
            "flowrun",
            models.Index(
                condition=models.Q(("ack_type__in", ["ERROR", "FAILURE"])),
                fields=["ack_type", "-started_at", "state"],
                name="flow_run_by_bad_answer",
            ),
        ),
        AddIndexAtWork(
            "flowrun",
            models.Index(
                condition=models.Q(("kind", "MESSAGE"), _negated=True),
                fields=["kind", "-started_at", "state"],
                name="flow_run_repeated",
            ),
        ),
        AddIndexAtWork(
            "devicestatuscheck",
            models.Index(fields=["nic_id"], name="status_check_nic_start", opclasses=["varchar_pattern_ops"]),
        ),
        AddIndexAtWork(
            "devicestatuscheck", models.Index(fields=["-asked_at", "-id"], name="status_check_newest")
        ),
        AddIndexAtWork(
            "enrollmentsync",
            models.Index(
                fields=["subscription_id"], name="enrollment_sync_subscr_start", opclasses=["varchar_pattern_ops"]
            ),
        ),
        migrations.RunPython(add_names, remove_names),
    ]
