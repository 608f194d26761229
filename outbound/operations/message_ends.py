"""The end of a message: SUCCESS, FAIL for good, CANCELED; told once it is committed, and again when that was lost."""

from __future__ import annotations

import datetime as dt
import functools
import uuid
from typing import Any

import structlog
from django.db import transaction

from foundation.crypto import UnableToDecrypt
from foundation.dispatch import after_commit
from outbound import message_queries
from outbound.choices import MessageStatus, ProcessingMethod
from outbound.events import message_settled
from outbound.models import OutboundMessage
from outbound.operations.messages import DELIVER_TASK, queue_of


logger = structlog.get_logger(__name__)

# Told by the process that made the end; after this long it is taken for lost.
TELL_AGAIN_AFTER = dt.timedelta(seconds=30)
_TELL_LIMIT = 500


def settle(
    message: OutboundMessage, *, token: uuid.UUID | None, status: MessageStatus, at: dt.datetime, **facts: Any
) -> bool:
    """
    Bring a message to its end, if it is still held with this token; say whether it was.

    Wakes whoever waits behind it, and tells `outbound.events.message_settled` once that is committed.

    :param facts: further columns to write.
    """
    with transaction.atomic():
        moved = OutboundMessage.objects.filter(pk=message.pk, lease_token=token).update(
            **{
                "status": status,
                "next_attempt_at": None,
                "lease_token": None,
                "lease_until": None,
                "hold_reason": "",
                "held_by": "",
                "asked_for": False,
                "settled_at": at,
                "told": False,
                **facts,
            }
        )
        if moved:
            logger.info("message_settled", message=message.pk, status=str(status))
            wake_next_of_key(message)
            transaction.on_commit(functools.partial(tell, message.pk))
    return bool(moved)


def wake_next_of_key(message: OutboundMessage) -> None:
    """Wake a worker for the message that waited behind an ordered one; a batch system's waits for the sweep."""
    waiting = message_queries.next_of_key(message)
    if waiting is not None and waiting.external_system.processing_method == ProcessingMethod.REAL_TIME:
        after_commit(DELIVER_TASK, queue=queue_of(waiting), message_pk=waiting.pk)


def tell(message_pk: int) -> bool:
    """
    Tell the end of a message to those who listen; say whether all heard it.

    A receiver that failed is logged, and the sweep tells it again.
    """
    message = (
        OutboundMessage.objects.select_related("message_type", "external_system")
        .filter(pk=message_pk, told=False, settled_at__isnull=False)
        .defer("payload", "answer")
        .first()
    )
    if message is None:
        return False
    try:
        kept = message.answer
    except UnableToDecrypt:
        logger.exception("message_answer_unreadable", message=message_pk)
        kept = None
    status = MessageStatus(message.status)
    answer = bytes(kept) if kept else b""
    failed = [
        (receiver, error)
        for receiver, error in message_settled.send_robust(
            sender=OutboundMessage, message=message, status=status, answer=answer
        )
        if isinstance(error, Exception)
    ]
    for receiver, error in failed:
        logger.error("message_end_not_taken", message=message_pk, receiver=repr(receiver), exc_info=error)
    if failed:
        return False
    OutboundMessage.objects.filter(pk=message_pk, settled_at=message.settled_at).update(told=True)
    return True


def tell_again(*, at: dt.datetime) -> int:
    """Tell the ends that a process died with before it told them; give how many were heard."""
    untold = message_queries.untold_messages(before=at - TELL_AGAIN_AFTER, limit=_TELL_LIMIT)
    return sum(tell(message_pk) for message_pk in untold)
