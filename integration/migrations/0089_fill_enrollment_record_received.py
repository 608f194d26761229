from django.db import migrations
from django.db.models import Max, Min, OuterRef, Subquery


BATCH = 10_000


def fill(apps, schema_editor):
    # Rows that there were have the instant of the migration: theirs is that at which their run began.
    record, run = apps.get_model("integration", "EnrollmentRecord"), apps.get_model("integration", "FlowRun")
    began = Subquery(run.objects.filter(pk=OuterRef("run_id")).values("started_at")[:1])
    there = record.objects.aggregate(first=Min("pk"), last=Max("pk"))
    if there["first"] is None:
        return
    for first in range(there["first"], there["last"] + 1, BATCH):
        record.objects.filter(pk__gte=first, pk__lt=first + BATCH).update(received_at=began)


class Migration(migrations.Migration):

    # In batches, each committed by itself.
    atomic = False

    dependencies = [
        ("integration", "0088_enrollment_record_received"),
    ]

    operations = [
        migrations.RunPython(fill, migrations.RunPython.noop),
    ]
