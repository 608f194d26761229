"""Messages whose worker disappeared: reserved only, or in the middle of a try (`reliability.md` Q1, Q11)."""

from __future__ import annotations

import datetime as dt

import structlog
from django.db import transaction
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce

from foundation import leases
from outbound.choices import TAKEABLE_MESSAGES, AttemptOutcome, MessageFault, MessageStatus
from outbound.models import DeliveryAttempt, OutboundMessage
from outbound.operations.message_ends import settle


logger = structlog.get_logger(__name__)

MAX_RECOVERIES = 3
# Clocks of several machines differ by less than this.
_CLOCK_TOLERANCE = dt.timedelta(seconds=60)


def take_back_lost(*, at: dt.datetime) -> int:
    """
    Take messages back from workers that disappeared; give how many.

    One that was only reserved is due again. One whose try had begun goes out again without using a retry: nobody
    knows whether the target has it, and its id is the same. The third worker lost with it makes it a dead letter.
    """
    leases.end_impossible(OutboundMessage.objects.all(), at=at)
    expired = OutboundMessage.objects.filter(lease_until__lte=at)
    count = expired.exclude(status=MessageStatus.IN_PROGRESS).update(lease_token=None, lease_until=None)
    lost = expired.filter(status=MessageStatus.IN_PROGRESS).select_related("message_type", "external_system")
    for message in lost.defer("payload", "answer"):
        with transaction.atomic():
            count += _take_back(message, at)
    return count


def plan_again(*, at: dt.datetime) -> int:
    """
    Let messages go that wait by a clock which has been set back since; give how many.

    They were queued, or last tried, at a time that has not come yet, and are due after it.
    """
    later = at + _CLOCK_TOLERANCE
    waiting = OutboundMessage.objects.filter(status__in=TAKEABLE_MESSAGES, next_attempt_at__gt=later)
    last_try = DeliveryAttempt.objects.filter(message=OuterRef("pk")).order_by("-number").values("started_at")[:1]
    ahead = waiting.annotate(last=Coalesce(Subquery(last_try), "created_at")).filter(last__gt=later)
    return OutboundMessage.objects.filter(pk__in=list(ahead.values_list("pk", flat=True))).update(next_attempt_at=at)


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
