from django.db import migrations


class Migration(migrations.Migration):

    # The index of 0046 finds what this one did, and the starts of keys as well.
    dependencies = [
        ("outbound", "0046_message_key_start"),
    ]

    operations = [
        migrations.RemoveIndex(model_name="outboundmessage", name="outbound_message_key"),
    ]
