"""What the flows hear from below: the ends of outbound messages, and usage to be sent. The clock is read here."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import Any

from django.dispatch import receiver
from django.utils import timezone

from integration.operations import failed_messages, sync_acknowledgements, usage_messages
from outbound.choices import MessageStatus
from outbound.events import message_settled
from vee.events import usage_corrected, usage_to_send


def _of_acknowledgement(message: Any, status: str) -> bool:
    return bool(message.message_type.code == sync_acknowledgements.MESSAGE_TYPE)


def _failed(message: Any, status: str) -> bool:
    return status == MessageStatus.FAIL and not _of_acknowledgement(message, status)


def _of_usage(message: Any, status: str) -> bool:
    return message.message_type.code in usage_messages.MESSAGE_TYPES


@receiver(message_settled, dispatch_uid="integration.sync_acknowledgement", about=_of_acknowledgement)
def sync_acknowledgement_settled(*, message: Any, status: str, **more: Any) -> None:
    """Note the end of an acknowledgement to DACS at its sync request."""
    if _of_acknowledgement(message, status):
        sync_acknowledgements.message_settled(message=message, status=status, at=timezone.now())


@receiver(message_settled, dispatch_uid="integration.failed_message", about=_failed)
def failed_message(*, message: Any, status: str, **more: Any) -> None:
    """Tell people of a message that could not be delivered, whatever it was."""
    if _failed(message, status):
        failed_messages.message_settled(message=message, status=status, at=timezone.now())


@receiver(message_settled, dispatch_uid="integration.usage_message", about=_of_usage)
def usage_message_settled(*, message: Any, status: str, **more: Any) -> None:
    """Note the end of a message about usage at the usage."""
    if _of_usage(message, status):
        usage_messages.message_settled(message=message, status=status, at=timezone.now())


@receiver(usage_to_send, dispatch_uid="integration.usage_to_send")
def usage_is_to_be_sent(*, transaction_ids: Sequence[int], at: dt.datetime, **more: Any) -> None:
    """Queue usage for its recipients."""
    usage_messages.send_usage(transaction_ids=transaction_ids, at=at)


@receiver(usage_corrected, dispatch_uid="integration.usage_corrected")
def usage_was_corrected(*, correction_ids: Sequence[int], at: dt.datetime, **more: Any) -> None:
    """Queue word of corrections for the recipients of the usage."""
    usage_messages.send_corrections(correction_ids=correction_ids, at=at)
