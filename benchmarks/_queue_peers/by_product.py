"""
The deliveries by the product's queue: `by_product.py prepare`, `… queue NUMBER`, `… sweep`, `… left`.

The worker is the product's own (`celery -A integration worker`); DATABASE_URL, REDIS_URL, TARGET and PAYLOAD say where.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from urllib.parse import urlsplit


sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "integration.settings")

import django


django.setup()

from django.core.management import call_command  # noqa: E402  Django has to be set up first
from django.db import transaction  # noqa: E402  Django has to be set up first
from django.utils import timezone  # noqa: E402  Django has to be set up first

from outbound.choices import MessageStatus  # noqa: E402  Django has to be set up first
from outbound.models import Connection, DeliveryAttempt, ExternalSystem, OutboundMessage, OutboundMessageType  # noqa: E402  Django has to be set up first
from outbound.operations import messages  # noqa: E402  Django has to be set up first


def main(what: str, number: int) -> None:
    target = urlsplit(os.environ["TARGET"])
    if what == "prepare":
        call_command("migrate", verbosity=0)
        Connection.objects.create(name="PEER", base_url=f"{target.scheme}://{target.netloc}", max_concurrency=4)
        OutboundMessageType.objects.create(code="BENCH", path=target.path)
        ExternalSystem.objects.create(name="PEER", processing_method="BATCH")
    elif what == "queue":
        OutboundMessage.objects.all().delete()
        at = timezone.now()
        with transaction.atomic():
            for each in range(number):
                messages.queue_message(
                    message_type="BENCH",
                    external_system="PEER",
                    message_id=f"m-{each}",
                    payload=os.environ["PAYLOAD"].encode(),
                    at=at,
                )
    elif what == "sweep":
        for _ in range(2):
            messages.wake_batch()
    elif what == "left":
        left = OutboundMessage.objects.exclude(status=MessageStatus.SUCCESS).count()
        tries = DeliveryAttempt.objects.filter(outcome="SENT").count()
        print(left + abs(OutboundMessage.objects.count() - tries))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0)
