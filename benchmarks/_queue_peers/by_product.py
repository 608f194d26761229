"""
The deliveries by the product's queue: `by_product.py prepare`, `… queue NUMBER`, `… sweep`, `… left`.

The worker is the product's own (`celery -A integration worker`); DATABASE_URL, REDIS_URL, TARGET and PAYLOAD say where.
`… watch` tells the time at which every message is SUCCESS. `… width NUMBER` sets how many calls the connection may
have in flight in a process. `… drain` delivers in this very process, and `… mark` does all that a delivery does but the
calls; both tell their seconds, CPU and memory as JSON.
"""

from __future__ import annotations

import json
import os
import random
import resource
import sys
import time
from collections.abc import Callable
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
from outbound.operations import message_calls, message_claims, message_delivery, message_outcomes, messages  # noqa: E402  Django has to be set up first
from outbound.transports.base import Answer  # noqa: E402  Django has to be set up first


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
    elif what == "width":
        Connection.objects.filter(name="PEER").update(max_concurrency=number)
    elif what in ("drain", "mark"):
        print(json.dumps(measured(drain if what == "drain" else mark)))
    elif what == "watch":
        print("ready", flush=True)
        while OutboundMessage.objects.exclude(status=MessageStatus.SUCCESS).exists():
            time.sleep(0.02)
        print(time.time(), flush=True)
    elif what == "left":
        left = OutboundMessage.objects.exclude(status=MessageStatus.SUCCESS).count()
        tries = DeliveryAttempt.objects.filter(outcome="SENT").count()
        print(left + abs(OutboundMessage.objects.count() - tries))


def measured(work: Callable[[], None]) -> dict[str, float]:
    """Give the seconds and the CPU of some work, and the most memory that this process ever had, in MiB."""
    began, cpu = time.perf_counter(), time.process_time()
    work()
    return {
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - cpu,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def drain() -> None:
    while message_delivery.drain(clock=timezone.now):
        pass


def mark() -> None:
    """Claim batches, note their tries, and write that each was answered."""
    body = b'{"status": "taken"}'
    while tries := message_claims.begin_due(at=timezone.now(), limit=message_delivery.BATCH_SIZE, zone="").tries:
        at = timezone.now()
        answer = Answer(status=200, headers={"Content-Type": "application/json"}, body=body, elapsed_seconds=0.001)
        message_outcomes.write(
            [message_calls.Called(tried=tried, answer=answer, at=at) for tried in tries], rng=random.random
        )


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 0)
