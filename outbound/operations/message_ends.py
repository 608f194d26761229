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
        answers = {message.pk: (facts["sent_at"], facts.get("answer", b"")) for message, facts in rows}
        transaction.on_commit(functools.partial(tell_many, ids, answers=answers))


def wake_next_of_key(message: OutboundMessage) -> None:
    """Wake a worker for the message that waited behind an ordered one; a batch system's waits for the sweep."""
    waiting = message_queries.next_of_key(message)
    if waiting is not None and waiting.external_system.processing_method == ProcessingMethod.REAL_TIME:
        wake_for(waiting)


def tell(message_pk: int) -> bool:
    """Tell the end of a message to those who listen; say whether all heard it."""
    return bool(tell_many([message_pk]))


def tell_many(ids: Sequence[int], *, answers: Mapping[int, tuple[dt.datetime, bytes]] | None = None) -> int:
    """
    Tell the ends of messages to those who listen; give how many were heard by all.

    A receiver that failed is logged, and the sweep tells it again.

    :param answers: when messages ended and their answers, where the caller has them; all others are read.
    """
    untold = message_queries.with_types(
        OutboundMessage.objects.filter(pk__in=ids, told=False, settled_at__isnull=False)
        .defer("payload", "answer", "headers")
        .order_by("pk")
    )
    known = {
        message.pk: answer
        for message in untold
        for settled_at, answer in [(answers or {}).get(message.pk, (None, b""))]
        # It may have been sent again meanwhile, and have another answer.
        if settled_at == message.settled_at
    }
    known |= _read_answers([message.pk for message in untold if message.pk not in known])
    heard = [message for message in untold if _tell(message, known[message.pk])]
    # Only this very end was told.
    update_each(
        OutboundMessage,
        {message.pk: {"told": True, "settled_at": message.settled_at} for message in heard},
        matching=["settled_at"],
    )
    return len(heard)


def _read_answers(ids: Sequence[int]) -> dict[int, bytes]:
    """Give the last answers to messages; nothing for one that cannot be decrypted."""
    if not ids:
        return {}
    kept = OutboundMessage.objects.filter(pk__in=ids).annotate(
        kept_answer=ExpressionWrapper(F("answer"), output_field=BinaryField())
    )
    answers = dict.fromkeys(ids, b"")
    for pk, stored in kept.order_by().values_list("pk", "kept_answer"):
        if stored is not None:
            try:
                answers[pk] = decrypt(bytes(stored))
            except UnableToDecrypt:
                logger.exception("message_answer_unreadable", message=pk)
    return answers


def _tell(message: OutboundMessage, answer: bytes) -> bool:
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
