"""The tables of what leaves. Thin: reads are in `outbound.queries`, writes in `outbound.operations`."""

from __future__ import annotations

from outbound.models.certificates import Certificate
from outbound.models.connections import Connection, ConnectionHealth
from outbound.models.mails import Mail, MailAttachment, MailAttempt
from outbound.models.messages import (
    DeliveryAttempt,
    ExternalSystem,
    MessageIntervention,
    MessageSender,
    OutboundMessage,
    OutboundMessageType,
    SenderContext,
)
from outbound.models.parameters import Parameter


__all__ = [
    "Certificate",
    "Connection",
    "ConnectionHealth",
    "DeliveryAttempt",
    "ExternalSystem",
    "Mail",
    "MailAttachment",
    "MailAttempt",
    "MessageIntervention",
    "MessageSender",
    "OutboundMessage",
    "OutboundMessageType",
    "Parameter",
    "SenderContext",
]
