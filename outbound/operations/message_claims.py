"""
Who works on a message: reservations with a lease token, and the start of a try (`reliability.md` Q1, Q4, Q11).

A worker reserves messages, one or a batch, by one conditional update; on PostgreSQL rows that others look at are
skipped. A try begins with IN_PROGRESS, the used retry and its DeliveryAttempt in one transaction, before the target
is called. Only the holder of the token writes the outcome.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass

import structlog
from django.db import connections as databases
from django.db import router, transaction
from django.db.models import F, Max, Q

from outbound import message_queries
from outbound.choices import AttemptOutcome, MessageFault, MessageStatus
from outbound.models import DeliveryAttempt, OutboundMessage
from outbound.operations import message_targets
from outbound.operations.message_ends import settle
from outbound.texts import storable


logger = structlog.get_logger(__name__)

# How long a reserved message may wait in its worker's hands before its try begins.
RESERVATION = dt.timedelta(seconds=60)
_LEASE_MARGIN = dt.timedelta(seconds=30)
MAX_RECOVERIES = 3


class MessageNotDue(Exception):
    """The message is not waiting, not due yet, blocked by an earlier one, or another worker holds it."""


class MessageEnded(Exception):
    """The message came to its end without a call: its retries are used up, or no call can be made of it."""


@dataclass(frozen=True, slots=True)
class Reservation:
    """A message in a worker's hands."""

    message_pk: int
    token: uuid.UUID


@dataclass(frozen=True, slots=True, kw_only=True)
class Try:
    """A try that has begun: what it was before, and its evidence."""

    message: OutboundMessage
    token: uuid.UUID
    attempt: DeliveryAttempt
    target: message_targets.Target
    status_before: str
    retries_before: int
    asked_for: bool


def reserve(
    *, at: dt.datetime, limit: int = 1, message_pk: int | None = None, zone: str | None = None
) -> list[Reservation]:
    """
    Take messages that are due, the longest due first; give those that were won.

    :param message_pk: only this one.
    :param zone: only messages whose connection lies in this zone; empty: in none.
    """
    token = uuid.uuid4()
    due = message_queries.due_messages(at=at)
    if message_pk is not None:
        due = due.filter(pk=message_pk)
    elif zone is not None:
        due = message_queries.in_zone(due, zone)
    if databases[router.db_for_write(OutboundMessage)].features.has_select_for_update_skip_locked:
        due = due.select_for_update(skip_locked=True, of=("self",))
    with transaction.atomic():
        wanted = list(due.values_list("pk", flat=True)[:limit])
        if not wanted:
            return []
        won = message_queries.due_messages(at=at).order_by().filter(pk__in=wanted)
        OutboundMessage.objects.filter(pk__in=won.values("pk")).update(lease_token=token, lease_until=at + RESERVATION)
        held = OutboundMessage.objects.filter(lease_token=token).order_by("next_attempt_at", "pk")
        return [Reservation(pk, token) for pk in held.values_list("pk", flat=True)]


def begin(reservation: Reservation, *, at: dt.datetime) -> Try:
    """
    Begin a try: note it, and give the call to make.

    :raises MessageNotDue: when the message is no longer in this worker's hands.
    :raises MessageEnded: when it came to its end instead.
    :raises HeldBack: when its connection cannot be used now; nothing was noted.
    """
    message = (
        OutboundMessage.objects.select_related(
            "message_type__sender__connection",
            "external_system__sender__connection",
            "external_system__connection",
        )
        .defer("payload", "answer")
        .filter(pk=reservation.message_pk, lease_token=reservation.token)
        .first()
    )
    if message is None:
        raise MessageNotDue(f"Message {reservation.message_pk} is not in this worker's hands any more.")
    is_retry = message.status == MessageStatus.FAIL and not message.asked_for
    if is_retry and message.num_retries >= message_queries.max_retries(message.message_type):
        settle(message, token=reservation.token, status=MessageStatus.FAIL, at=at)
        raise MessageEnded("Its retries are used up.")
    try:
        target = message_targets.target_of(message, at=at)
    except message_targets.UnableToAddress as error:
        settle(
            message,
            token=reservation.token,
            status=MessageStatus.FAIL,
            at=at,
            fault_type=MessageFault.TECHNICAL,
            last_error=storable(str(error)),
        )
        raise MessageEnded(str(error)) from error
    with transaction.atomic():
        started = OutboundMessage.objects.filter(pk=message.pk, lease_token=reservation.token).update(
            status=MessageStatus.IN_PROGRESS,
            num_retries=F("num_retries") + (1 if is_retry else 0),
            asked_for=False,
            hold_reason="",
            held_by="",
            lease_until=at + dt.timedelta(seconds=target.timeout) + _LEASE_MARGIN,
        )
        if not started:
            raise MessageNotDue(f"Message {message.pk} went to another worker.")
        highest = DeliveryAttempt.objects.filter(message_id=message.pk).aggregate(highest=Max("number"))["highest"]
        attempt = DeliveryAttempt.objects.create(
            message_id=message.pk,
            number=(highest or 0) + 1,
            retry=is_retry,
            target=storable(str(target))[:1200],
            started_at=at,
        )
    return Try(
        message=message,
        token=reservation.token,
        attempt=attempt,
        target=target,
        status_before=message.status,
        retries_before=message.num_retries,
        asked_for=message.asked_for,
    )


def put_back(reservation: Reservation) -> None:
    """Give a reserved message back untouched."""
    OutboundMessage.objects.filter(pk=reservation.message_pk, lease_token=reservation.token).exclude(
        status=MessageStatus.IN_PROGRESS
    ).update(lease_token=None, lease_until=None)


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
