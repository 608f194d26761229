"""The end of a message: SUCCESS, FAIL for good, CANCELED; told once it is committed, and again when that was lost."""

from __future__ import annotations

import datetime as dt
import functools
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import transaction
from django.db.models import BinaryField, ExpressionWrapper, F

from foundation.bulk_writes import update_each, update_those
from foundation.crypto import UnableToDecrypt, decrypt
from outbound import message_queries
from outbound.choices import MessageStatus, ProcessingMethod
from outbound.events import message_settled
from outbound.models import OutboundMessage
from outbound.operations.message_rows import Message, MessageInHand
from outbound.operations.messages import wake_for


logger = structlog.get_logger(__name__)

# Told by the process that made the end; after this long it is taken for lost.
TELL_AGAIN_AFTER = dt.timedelta(seconds=30)
_TELL_LIMIT = 500


_AT_THE_END: Mapping[str, Any] = {
    "next_attempt_at": None,
    "lease_token": None,
    "lease_until": None,
    "hold_reason": "",
    "held_by": "",
    "asked_for": False,
}


@dataclass(slots=True)
class End:
    """A message that has come to its end, and the body of its last answer."""

    message: OutboundMessage
    answer: bytes


def settle(message: Message, *, token: uuid.UUID | None, status: MessageStatus, at: dt.datetime, **facts: Any) -> bool:
    """
    Bring a message to its end, if it is still held with this token; say whether it was.

    Wakes whoever waits behind it, and tells `outbound.events.message_settled` once that is committed.

    :param facts: further columns to write.
    """
    told = not message_settled.wanted(message, status)
    with transaction.atomic():
        moved = OutboundMessage.objects.filter(pk=message.pk, lease_token=token).update(
            **{**_AT_THE_END, "status": status, "settled_at": at, "told": told, **facts}
        )
        if moved:
            logger.info("message_settled", message=message.pk, status=str(status))
            wake_next_of_key(message)
            if not told:
                transaction.on_commit(functools.partial(tell, message.pk))
    return bool(moved)


def settle_many(
    rows: Sequence[tuple[MessageInHand, Mapping[str, Any]]],
    *,
    token: uuid.UUID,
    status: MessageStatus,
    shared: Mapping[str, Any],
) -> set[int]:
    """
    Bring messages to the same end, those that are still held with this token; give their keys. Otherwise as `settle`.

    :param rows: each with its own `answer`, `sent_at` (when it ended) and further columns, the same ones for all.
    :param shared: further columns that all get alike.
    """
    facts = {
        message.pk: {
            "settled_at": own["sent_at"],
            "told": not message_settled.wanted(message, status),
            **own,
        }
        for message, own in rows
    }
    alike = {**_AT_THE_END, "status": status, **shared}
    settled = update_those(OutboundMessage, facts, only={"lease_token": token}, shared=alike)
    mine = [message for message, _ in rows if message.pk in settled]
    if mine:
        queued_by = sorted({message.correlation_id for message in mine} - {""})
        ids = [message.pk for message in mine]
        logger.info("messages_settled", messages=ids, status=str(status), correlation_ids=queued_by)
        for message in mine:
            wake_next_of_key(message)
        # What nobody wants to hear counts as told with its end, and is not told.
        ends = [
            End(message.ended({**alike, **facts[message.pk]}), facts[message.pk]["answer"])
            for message in mine
            if not facts[message.pk]["told"]
        ]
        transaction.on_commit(functools.partial(_tell_ends, ends))
    return settled


def wake_next_of_key(message: Message) -> None:
    """Wake a worker for the message that waited behind an ordered one; a batch system's waits for the sweep."""
    if not message.key or not message.message_type.ordered:
        return
    waiting = message_queries.next_of_key(key=message.key, system_pk=message.external_system_id, after=message.pk)
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
    untold = message_queries.with_types(
        OutboundMessage.objects.filter(pk__any_of=ids, told=False, settled_at__isnull=False)
        .defer("payload", "answer", "headers")
        .order_by("pk")
    )
    answers = _read_answers([message.pk for message in untold])
    return _tell_ends([End(message, answers[message.pk]) for message in untold])


def _tell_ends(ends: Sequence[End]) -> int:
    """Tell ends that are committed, from what is in hand of them."""
    heard = [end.message for end in ends if _tell(end.message, end.answer)]
    # Only this very end was told: it may have been sent again meanwhile.
    update_each(
        OutboundMessage,
        {message.pk: {"settled_at": message.settled_at} for message in heard},
        matching=["settled_at"],
        shared={"told": True},
    )
    return len(heard)


def _read_answers(ids: Sequence[int]) -> dict[int, bytes]:
    """Give the last answers to messages; nothing for one that cannot be decrypted."""
    if not ids:
        return {}
    kept = OutboundMessage.objects.filter(pk__any_of=ids).annotate(
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
