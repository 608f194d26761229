"""The admin pages of connections, parameters and mails."""

from __future__ import annotations

from outbound.admin import connections, mails, parameters


__all__ = ["connections", "mails", "parameters"]
