"""What the flows hear from below: the ends of outbound messages. The clock is read here."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver
from django.utils import timezone

from integration.operations import failed_messages, sync_acknowledgements
from outbound.events import message_settled


@receiver(message_settled, dispatch_uid="integration.sync_acknowledgement")
def sync_acknowledgement_settled(*, message: Any, status: str, **more: Any) -> None:
    """Note the end of an acknowledgement to DACS at its sync request."""
    if message.message_type.code == sync_acknowledgements.MESSAGE_TYPE:
        sync_acknowledgements.message_settled(message=message, status=status, at=timezone.now())


@receiver(message_settled, dispatch_uid="integration.failed_message")
def failed_message(*, message: Any, status: str, **more: Any) -> None:
    """Tell people of a message that could not be delivered, whatever it was."""
    if message.message_type.code != sync_acknowledgements.MESSAGE_TYPE:
        failed_messages.message_settled(message=message, status=status, at=timezone.now())
