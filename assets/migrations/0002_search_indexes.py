from django.db import migrations

from foundation.migration_operations import AddFoldedStartIndexAtWork


class Migration(migrations.Migration):

    # Indexes of large tables are made while the product runs.
    atomic = False

    dependencies = [
        ("assets", "0001_initial"),
    ]

    operations = [
        AddFoldedStartIndexAtWork("contact", "name", "contact_name_start"),
        AddFoldedStartIndexAtWork("controllabledevice", "nic_id", "controllable_device_nic_start"),
        AddFoldedStartIndexAtWork("controllabledevice", "serial_number", "controllable_device_serial"),
        AddFoldedStartIndexAtWork("devicelocation", "cis_service_point_id", "device_location_cis_start"),
    ]
