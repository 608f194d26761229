"""Identifiers of the DACS side: digits, as DACS gives them, drawn by chance so that no counter is shared."""

from __future__ import annotations

import secrets


OBJECT_LENGTH = 12
"""Of contacts, subscriptions, devices, device locations, programs and enrollments (`deviceId` has at most 12)."""
MESSAGE_LENGTH = 14
"""Of sync requests and communications (`syncRequestId` has at most 14)."""


def new_identifier(length: int = OBJECT_LENGTH) -> str:
    """Give an identifier of so many digits that does not begin with 0; uniqueness is held by the column."""
    lowest = 10 ** (length - 1)
    return str(lowest + secrets.randbelow(9 * lowest))


def new_message_identifier() -> str:
    """Give the identifier of a sync request or communication."""
    return new_identifier(MESSAGE_LENGTH)
