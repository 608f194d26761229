"""The admin pages of connections, parameters, mails and the message queue."""

from __future__ import annotations

from outbound.admin import certificates, connections, mails, message_setup, messages, parameters


__all__ = ["certificates", "connections", "mails", "message_setup", "messages", "parameters"]
