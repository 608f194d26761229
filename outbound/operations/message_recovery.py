"""Messages whose worker disappeared: reserved only, or in the middle of a try (`reliability.md` Q1, Q11)."""

from __future__ import annotations

import datetime as dt

import structlog
from django.db import transaction
from django.db.models import F, Q

from outbound.choices import AttemptOutcome, MessageFault, MessageStatus
from outbound.models import DeliveryAttempt, OutboundMessage
from outbound.operations.message_ends import settle


logger = structlog.get_logger(__name__)

MAX_RECOVERIES = 3


def take_back_lost(*, at: dt.datetime) -> int:
    """
    Take messages back from workers that disappeared; give how many.

    One that was only reserved is due again. One whose try had begun goes out again without using a retry: nobody
    knows whether the target has it, and its id is the same. The third worker lost with it makes it a dead letter.
    """
    expired = OutboundMessage.objects.filter(lease_until__lt=at)
    count = expired.exclude(status=MessageStatus.IN_PROGRESS).update(lease_token=None, lease_until=None)
    lost = expired.filter(status=MessageStatus.IN_PROGRESS).select_related("message_type", "external_system")
    for message in lost.defer("payload", "answer"):
        with transaction.atomic():
            count += _take_back(message, at)
    return count


def _take_back(message: OutboundMessage, at: dt.datetime) -> int:
    mine = Q(pk=message.pk, lease_token=message.lease_token, status=MessageStatus.IN_PROGRESS)
    words = "The worker that was sending this message disappeared."
    if message.recoveries + 1 >= MAX_RECOVERIES:
        taken = settle(
            message,
            token=message.lease_token,
            status=MessageStatus.FAIL,
            at=at,
            fault_type=MessageFault.TECHNICAL,
            recoveries=MAX_RECOVERIES,
            last_error=f"worker_crash: {MAX_RECOVERIES} workers disappeared while sending this message.",
        )
    else:
        taken = bool(
            OutboundMessage.objects.filter(mine).update(
                status=MessageStatus.PENDING,
                recoveries=F("recoveries") + 1,
                lease_token=None,
                lease_until=None,
                next_attempt_at=at,
                last_error=words,
            )
        )
    if not taken:
        return 0
    DeliveryAttempt.objects.filter(message_id=message.pk, outcome=AttemptOutcome.STARTED).update(
        outcome=AttemptOutcome.LOST, error=words, finished_at=at
    )
    logger.warning("message_taken_back", message=message.pk, recoveries=message.recoveries + 1)
    return 1
