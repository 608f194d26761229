"""External systems, message types and queued messages for tests."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

from outbound.models import ExternalSystem, MessageSender, OutboundMessage, OutboundMessageType
from outbound.operations import message_setup, messages
from outbound.operations.message_delivery import deliver
from tests.factories.outbound import NOW


def make_system(name: str = "DERMS", **values: Any) -> ExternalSystem:
    """Save an external system; its connection is the one of its name."""
    row = ExternalSystem(name=name, **values)
    message_setup.save_external_system(system=row)
    return row


def make_type(code: str = "EVENT", **values: Any) -> OutboundMessageType:
    """Save a message type."""
    row = OutboundMessageType(code=code, **{"path": "/event", **values})
    message_setup.save_message_type(kind=row)
    return row


def make_sender(name: str = "SENDER", *, context: list[tuple[str, str]], **values: Any) -> MessageSender:
    """Save a message sender with its context values."""
    row = MessageSender(name=name, **values)
    message_setup.save_sender(sender=row, context=context)
    return row


def make_message(*, at: dt.datetime = NOW, **values: Any) -> OutboundMessage:
    """Queue a message; the type EVENT and the system DERMS are made when they are missing."""
    kind, system = values.pop("message_type", "EVENT"), values.pop("external_system", "DERMS")
    if not OutboundMessageType.objects.filter(code=kind).exists():
        make_type(kind)
    if not ExternalSystem.objects.filter(name=system).exists():
        make_system(system)
    values.setdefault("payload", {"eventId": "E-1", "phone": "555-010-4477"})
    return messages.queue_message(message_type=kind, external_system=system, at=at, **values)


def attempt(
    message: OutboundMessage, at: dt.datetime = NOW, *, clock: Callable[[], dt.datetime] | None = None
) -> OutboundMessage:
    """Deliver once, with half of the jitter."""
    return deliver(message_pk=message.pk, at=at, clock=clock or (lambda: at), rng=lambda: 0.5)
