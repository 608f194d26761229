"""
Messages that are held back: their connection is missing, off, paused, or its breaker is open (`reliability.md` Q9).

A held message is as it was before, says why, and uses no retry. When one is held, all that are due for the same
system and type are, in one statement: a target that is down for an hour costs one look per interval, not one per
message. They are let go when a call of the connection succeeds, or when the sweep finds it usable again.
"""

from __future__ import annotations

import datetime as dt

import structlog
from django.db import transaction

from foundation.kept_texts import kept
from outbound.choices import TAKEABLE_MESSAGES, AttemptOutcome, ProcessingMethod
from outbound.models import DeliveryAttempt, OutboundMessage
from outbound.operations import message_targets
from outbound.operations.message_claims import Try
from outbound.operations.messages import wake, wake_batch
from outbound.texts import storable


logger = structlog.get_logger(__name__)

_REASON_LENGTH = 1_000


def hold_due(message_pk: int, held: message_targets.HeldBack, *, at: dt.datetime) -> None:
    """Hold a message that is in nobody's hands, and with it the due ones of its system and type."""
    facts = {
        "hold_reason": storable(str(held))[:_REASON_LENGTH],
        "held_by": held.connection,
        "next_attempt_at": held.until,
    }
    message = _with_target(message_pk)
    with transaction.atomic():
        count = OutboundMessage.objects.filter(
            external_system_id=message.external_system_id,
            message_type_id=message.message_type_id,
            status__in=TAKEABLE_MESSAGES,
            next_attempt_at__lte=at,
            lease_token__isnull=True,
        ).update(**facts)
        if count and message.external_system.processing_method == ProcessingMethod.REAL_TIME:
            wake(message, due_at=held.until, at=at)
    if count:
        logger.info("messages_held", message=message.pk, count=count, connection=held.connection, reason=str(held))


def put_back_held(tried: Try, *, reason: str, until: dt.datetime, at: dt.datetime) -> bool:
    """Put a tried message back as it was, held by its connection; say whether it was still in this worker's hands."""
    owned = OutboundMessage.objects.filter(pk=tried.message.pk, lease_token=tried.token).update(
        status=tried.message.status,
        num_retries=tried.message.num_retries,
        asked_for=tried.message.asked_for,
        recoveries=0,
        last_error=reason,
        hold_reason=kept(f"Connection {tried.target.connection} is held back: {reason}")[:_REASON_LENGTH],
        held_by=tried.target.connection,
        next_attempt_at=until,
        lease_token=None,
        lease_until=None,
    )
    if owned and tried.message.external_system.processing_method == ProcessingMethod.REAL_TIME:
        wake(tried.message, due_at=until, at=at)
    return bool(owned)


def undo(tried: Try, *, reason: str, until: dt.datetime, at: dt.datetime) -> None:
    """Put a message back as if its try had not begun: the call never left the house."""
    with transaction.atomic():
        owned = put_back_held(tried, reason=reason, until=until, at=at)
        attempt = DeliveryAttempt.objects.filter(pk=tried.attempt.pk)
        if owned:
            attempt.delete()
        else:
            attempt.update(outcome=AttemptOutcome.HELD, error=reason, finished_at=at)


def release(*, connection: str, at: dt.datetime) -> int:
    """Let the messages go that a connection holds back: it works again. Gives how many."""
    held = OutboundMessage.objects.filter(held_by=connection, status__in=TAKEABLE_MESSAGES, lease_token__isnull=True)
    count = held.update(next_attempt_at=at, hold_reason="", held_by="")
    if count:
        wake_batch(zone=message_targets.zone_of(connection))
        logger.info("messages_released", connection=connection, count=count)
    return count


def release_usable(*, at: dt.datetime) -> int:
    """Let the messages go whose connection can be used again; give how many."""
    names = (
        OutboundMessage.objects.filter(status__in=TAKEABLE_MESSAGES, next_attempt_at__gt=at)
        .exclude(held_by="")
        .order_by("held_by")
        .values_list("held_by", flat=True)
        .distinct()
    )
    count = 0
    for name in list(names):
        if message_targets.works(name, at=at):
            count += release(connection=name, at=at)
    return count


def _with_target(message_pk: int) -> OutboundMessage:
    return (
        OutboundMessage.objects.select_related(
            "message_type__sender__connection",
            "external_system__sender__connection",
            "external_system__connection",
        )
        .defer("payload", "answer")
        .get(pk=message_pk)
    )
