"""The end of a message: SUCCESS, FAIL for good, CANCELED; told once it is committed, and again when that was lost."""

from __future__ import annotations

import datetime as dt
import functools
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import structlog
from django.db import transaction
from django.db.models import BinaryField, ExpressionWrapper, F

from foundation.bulk_writes import update_each
from foundation.crypto import UnableToDecrypt, decrypt
from outbound import message_queries
from outbound.choices import MessageStatus, ProcessingMethod
from outbound.events import message_settled
from outbound.models import OutboundMessage
from outbound.operations.messages import wake_for


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


def settle_many(rows: Sequence[tuple[OutboundMessage, Mapping[str, Any]]], *, status: MessageStatus) -> None:
    """
    Bring messages to the same end that the caller's transaction holds locked; otherwise as `settle`.

    :param rows: each with the further columns to write, the same ones for all; `sent_at` is when it ended.
    """
    update_each(
        OutboundMessage,
        {
            message.pk: {
                "status": status,
                "next_attempt_at": None,
                "lease_token": None,
                "lease_until": None,
                "hold_reason": "",
                "held_by": "",
                "asked_for": False,
                "settled_at": facts["sent_at"],
                "told": False,
                **facts,
            }
            for message, facts in rows
        },
    )
    if rows:
        ids = [message.pk for message, _ in rows]
        queued_by = sorted({message.correlation_id for message, _ in rows} - {""})
        logger.info("messages_settled", messages=ids, status=str(status), correlation_ids=queued_by)
        for message, _ in rows:
            wake_next_of_key(message)
        transaction.on_commit(functools.partial(tell_many, ids))


def wake_next_of_key(message: OutboundMessage) -> None:
    """Wake a worker for the message that waited behind an ordered one; a batch system's waits for the sweep."""
    waiting = message_queries.next_of_key(message)
    if waiting is not None and waiting.external_system.processing_method == ProcessingMethod.REAL_TIME:
        wake_for(waiting)


def tell(message_pk: int) -> bool:
    """Tell the end of a message to those who listen; say whether all heard it."""
    return bool(tell_many([message_pk]))


def tell_many(ids: Sequence[int]) -> int:
    """
    Tell the ends of messages to those who listen; give how many were heard by all.

    A receiver that failed is logged, and the sweep tells it again.
    """
    untold = (
        OutboundMessage.objects.select_related("message_type", "external_system")
        .filter(pk__in=ids, told=False, settled_at__isnull=False)
        .defer("payload", "answer", "headers")
        .annotate(kept_answer=ExpressionWrapper(F("answer"), output_field=BinaryField()))
        .order_by("pk")
    )
    heard = [message for message in untold if _tell(message)]
    at_once: dict[dt.datetime | None, list[int]] = {}
    for message in heard:
        at_once.setdefault(message.settled_at, []).append(message.pk)
    # Only this very end was told: a message may have been sent again meanwhile.
    for settled_at, told in at_once.items():
        OutboundMessage.objects.filter(pk__in=told, settled_at=settled_at).update(told=True)
    return len(heard)


def _tell(message: OutboundMessage) -> bool:
    kept = message.kept_answer  # type: ignore[attr-defined]  # as stored: still encrypted
    try:
        answer = decrypt(bytes(kept)) if kept is not None else b""
    except UnableToDecrypt:
        logger.exception("message_answer_unreadable", message=message.pk)
        answer = b""
    failed = [
        (receiver, error)
        for receiver, error in message_settled.send_robust(
            sender=OutboundMessage, message=message, status=MessageStatus(message.status), answer=answer
        )
        if isinstance(error, Exception)
    ]
    for receiver, error in failed:
        logger.error("message_end_not_taken", message=message.pk, receiver=repr(receiver), exc_info=error)
    return not failed


def tell_again(*, at: dt.datetime) -> int:
    """Tell the ends that a process died with before it told them; give how many were heard."""
    untold = message_queries.untold_messages(before=at - TELL_AGAIN_AFTER, limit=_TELL_LIMIT)
    return tell_many(untold)
