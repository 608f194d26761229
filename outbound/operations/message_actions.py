"""What people and peers do with queued messages: resend, send again, cancel, and the business acknowledgement."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from django.db import transaction

from foundation.kept_texts import kept
from outbound import message_queries
from outbound.choices import (
    CANCELABLE_MESSAGES,
    RESENDABLE_MESSAGES,
    SENDABLE_AGAIN_MESSAGES,
    MessageAction,
    MessageFault,
    MessageStatus,
)
from outbound.models import MessageIntervention, OutboundMessage
from outbound.operations.message_ends import settle
from outbound.operations.messages import wake
from outbound.texts import storable


logger = structlog.get_logger(__name__)


class UnableToAct(Exception):
    """What was asked is not possible with this message; nothing was changed."""


class MessageBusy(UnableToAct):
    """A worker is sending it right now."""


class StatusDoesNotAllow(UnableToAct):
    """The status of the message does not allow it."""


class ReasonMissing(UnableToAct):
    """The action wants a reason."""


class NotAwaited(UnableToAct):
    """No acknowledgement is awaited for the message."""


def resend(*, message_pk: int, by: Any, reason: str, at: dt.datetime) -> OutboundMessage:
    """
    Send a message that failed or waits now, with its retries from 0; the message id stays the same.

    :raises UnableToAct: its subclasses say why not.
    :raises UnknownMessage: when there is none.
    """
    return _send(message_pk, MessageAction.RESEND, RESENDABLE_MESSAGES, by=by, reason=reason, at=at)


def send_again(*, message_pk: int, by: Any, reason: str, at: dt.datetime) -> OutboundMessage:
    """
    Send a delivered message once more: SUCCESS (or SENT) becomes FAIL with its retries from 0, and it goes out.

    :raises UnableToAct: its subclasses say why not.
    :raises UnknownMessage: when there is none.
    """
    return _send(message_pk, MessageAction.SEND_AGAIN, SENDABLE_AGAIN_MESSAGES, by=by, reason=reason, at=at)


def cancel(*, message_pk: int, by: Any, reason: str, at: dt.datetime) -> OutboundMessage:
    """
    End a message that waits, failed, or awaits its acknowledgement; what was sent stays sent.

    :raises UnableToAct: its subclasses say why not.
    :raises UnknownMessage: when there is none.
    """
    with transaction.atomic():
        row = _locked(message_pk, MessageAction.CANCEL, CANCELABLE_MESSAGES, reason)
        _note(row, MessageAction.CANCEL, by=by, reason=reason, at=at)
        if not settle(row, token=None, status=MessageStatus.CANCELED, at=at):
            raise MessageBusy(_BUSY)
    return message_queries.message(message_pk=message_pk)


def acknowledge(
    *, message_id: str, positive: bool, reason: str = "", answer: bytes = b"", at: dt.datetime
) -> OutboundMessage:
    """
    Take the business acknowledgement of a SENT message: SUCCESS, or FAIL for good when it is negative.

    :param answer: the acknowledgement itself, for those who listen for the end.
    :raises NotAwaited: when none is awaited.
    :raises UnknownMessage: when there is none of this id.
    """
    with transaction.atomic():
        row = OutboundMessage.objects.select_for_update().filter(message_id=storable(message_id)).first()
        if row is None:
            raise message_queries.UnknownMessage(f"There is no outbound message {message_id}.")
        if row.status != MessageStatus.SENT:
            raise NotAwaited(f"Message {message_id} is {row.get_status_display().lower()}: no acknowledgement is due.")
        facts: dict[str, Any] = {"answer": answer or row.answer, "last_error": storable(reason)}
        if not positive:
            facts["fault_type"] = MessageFault.BUSINESS
        settle(row, token=None, status=MessageStatus.SUCCESS if positive else MessageStatus.FAIL, at=at, **facts)
    return message_queries.message(message_pk=row.pk)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How many messages of a selection were acted upon, and why the others were not."""

    done: int
    refusals: tuple[str, ...]


def act_on_many(*, action: str, message_pks: Sequence[int], by: Any, reason: str, at: dt.datetime) -> Outcome:
    """
    Do the same with several messages, each on its own; one that does not allow it is left alone.

    :param action: a MessageAction.
    :raises ReasonMissing: before anything is done.
    """
    _refuse_without(reason)
    operation = _OPERATIONS[MessageAction(action)]
    done, refusals = 0, []
    for message_pk in message_pks:
        try:
            operation(message_pk=message_pk, by=by, reason=reason, at=at)
        except (UnableToAct, message_queries.UnknownMessage) as error:
            refusals.append(str(error))
        else:
            done += 1
    return Outcome(done=done, refusals=tuple(refusals))


_OPERATIONS: dict[MessageAction, Callable[..., OutboundMessage]] = {
    MessageAction.RESEND: resend,
    MessageAction.SEND_AGAIN: send_again,
    MessageAction.CANCEL: cancel,
}
_PAST = {
    MessageAction.RESEND: "resent",
    MessageAction.SEND_AGAIN: kept("sent again"),
    MessageAction.CANCEL: "canceled",
}
_BUSY = "A worker is sending this message right now."


def _send(
    message_pk: int, action: MessageAction, allowed: frozenset[MessageStatus], *, by: Any, reason: str, at: dt.datetime
) -> OutboundMessage:
    with transaction.atomic():
        row = _locked(message_pk, action, allowed, reason)
        _note(row, action, by=by, reason=reason, at=at)
        failed = row.status != MessageStatus.PENDING
        moved = OutboundMessage.objects.filter(pk=row.pk, lease_token__isnull=True).update(
            status=MessageStatus.FAIL if failed else MessageStatus.PENDING,
            num_retries=0,
            recoveries=0,
            asked_for=failed,
            next_attempt_at=at,
            settled_at=None,
            told=False,
            hold_reason="",
            held_by="",
        )
        if not moved:
            raise MessageBusy(_BUSY)
        logger.info("message_asked_for", message=row.pk, action=str(action), by=str(by or ""))
        # A person waits for it, so it does not wait for the sweep, whatever the system's processing method.
        wake(row, due_at=at, at=at)
    return message_queries.message(message_pk=message_pk)


def _locked(message_pk: int, action: MessageAction, allowed: frozenset[MessageStatus], reason: str) -> OutboundMessage:
    _refuse_without(reason)
    row = (
        OutboundMessage.objects.select_for_update(of=("self",))
        .select_related("message_type", "external_system")
        .defer("payload", "answer")
        .filter(pk=message_pk)
        .first()
    )
    if row is None:
        raise message_queries.UnknownMessage(f"There is no outbound message {message_pk}.")
    if row.status == MessageStatus.IN_PROGRESS or row.lease_token is not None:
        raise MessageBusy(_BUSY)
    if row.status not in allowed:
        raise StatusDoesNotAllow(
            f"Message {row.message_id} is {row.get_status_display().lower()}: it cannot be {_PAST[action]}."
        )
    return row


def _note(row: OutboundMessage, action: MessageAction, *, by: Any, reason: str, at: dt.datetime) -> None:
    MessageIntervention.objects.create(
        message=row,
        action=action,
        status_before=row.status,
        retries_before=row.num_retries,
        at=at,
        by=str(by or "system")[:150],
        reason=storable(reason.strip())[:1000],
    )


def _refuse_without(reason: str) -> None:
    if not reason.strip():
        raise ReasonMissing("Say why: the reason stays with the message.")
