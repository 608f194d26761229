from django.db import migrations, models

from foundation.migration_operations import AddIndexAtWork


class Migration(migrations.Migration):

    # Indexes of large tables are made while the product runs.
    atomic = False

    dependencies = [
        ("vee", "0020_exceptions_by_time"),
    ]

    operations = [
        AddIndexAtWork(
            "initialmeasurement",
            models.Index(condition=models.Q(("user_edited", True)), fields=["-id"], name="imd_edited"),
        ),
        AddIndexAtWork(
            "initialmeasurement",
            models.Index(condition=models.Q(("state", "DISCARDED")), fields=["-id"], name="imd_discarded"),
        ),
        AddIndexAtWork(
            "initialmeasurement",
            models.Index(
                condition=models.Q(("kind", "INITIAL_LOAD"), _negated=True),
                fields=["kind", "-id"],
                name="imd_other_kind",
            ),
        ),
        AddIndexAtWork(
            "veeexception",
            models.Index(condition=models.Q(("severity", "TERMINATE")), fields=["-id"], name="vee_exception_terminating"),
        ),
        AddIndexAtWork("todo", models.Index(fields=["created_at", "id"], name="todo_age")),
        AddIndexAtWork(
            "todo",
            models.Index(
                condition=models.Q(("status", "COMPLETE"), _negated=True),
                fields=["created_at", "id"],
                name="todo_open_age",
            ),
        ),
    ]
