from django.db import migrations


# The two messages of DACS went nowhere before the DACS side came: their shipped paths were those of the DERMS.
_PATHS = {
    "X1-NMSDASMSG": ("/enroll", "/OUTL-BA-DACS_DRMS_ENROLL_SYNC/1.0/enroll"),
    "X1-CTRLDVCS": ("/status-check", "/OUTL-BA-DACS_DRMS_DEVICE_STATUS/1.0/status-check"),
}


def to_the_hub(apps, schema_editor):
    kinds = apps.get_model("outbound", "OutboundMessageType")
    for code, (before, after) in _PATHS.items():
        kinds.objects.filter(code=code, path=before).update(path=after, retry_statuses=[404, 409])


class Migration(migrations.Migration):

    dependencies = [
        ("outbound", "0010_messages"),
    ]

    operations = [
        migrations.RunPython(to_the_hub, migrations.RunPython.noop),
    ]
