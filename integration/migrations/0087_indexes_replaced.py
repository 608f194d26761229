from django.db import migrations


class Migration(migrations.Migration):

    # The indexes of 0086 find what these did, and the starts of names as well.
    dependencies = [
        ("integration", "0086_search_indexes"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="reservation", name="reservation_by_nic"),
        migrations.RemoveIndex(model_name="outcome", name="outcome_by_nic"),
        migrations.RemoveIndex(model_name="devicestatuscheck", name="status_check_device"),
        migrations.RemoveIndex(model_name="enrollmentsync", name="enrollment_sync_subscription"),
    ]
