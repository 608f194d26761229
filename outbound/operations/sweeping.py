"""What the sweep does every 15 seconds: what was lost is taken back, what is due wakes a worker (`house.md` D1)."""

from __future__ import annotations

import datetime as dt

from django.db import transaction

from outbound import message_queries, queries
from outbound.operations import mail_delivery, message_ends, message_holds, message_recovery
from outbound.operations.message_delivery import BATCH_SIZE
from outbound.operations.messages import wake_batch


_MOST_BATCHES = 20


def sweep(*, at: dt.datetime) -> int:
    """Sweep mails and messages; give how many were due or taken back."""
    return len(mail_delivery.sweep(at=at)) + sweep_messages(at=at)


def sweep_messages(*, at: dt.datetime) -> int:
    """
    Take messages back from lost workers, let go what nothing holds any more, tell ends that were not told, and wake
    workers for batches of what is due, zone by zone; give how many were due or taken back.
    """
    taken_back = message_recovery.take_back_lost(at=at)
    message_recovery.plan_again(at=at)
    message_holds.release_usable(at=at)
    message_ends.tell_again(at=at)
    due = 0
    with transaction.atomic():
        for zone in ("", *queries.connections_by_zone()):
            here = message_queries.in_zone(message_queries.due_messages(at=at), zone)
            count = len(here.order_by().values_list("pk", flat=True)[: BATCH_SIZE * _MOST_BATCHES])
            for _ in range(-(-count // BATCH_SIZE)):
                wake_batch(zone=zone)
            due += count
    return taken_back + due
