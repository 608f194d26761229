"""The tables of what leaves. Thin: reads are in `outbound.queries`, writes in `outbound.operations`."""

from __future__ import annotations

from outbound.models.connections import Connection, ConnectionHealth
from outbound.models.mails import Mail, MailAttempt
from outbound.models.parameters import Parameter


__all__ = ["Connection", "ConnectionHealth", "Mail", "MailAttempt", "Parameter"]
