"""Whether a connection may be used with a transport."""

from __future__ import annotations

from outbound.choices import AVAILABLE_TRANSPORTS, Transport
from outbound.models import Connection
from outbound.transports.base import ConnectionNotUsable


def usable(connection: Connection, transport: Transport) -> None:
    """
    Refuse a connection that cannot be used with a transport.

    :raises ConnectionNotUsable: saying why, and what to do.
    """
    if not connection.enabled:
        raise ConnectionNotUsable(f"Connection {connection.name} is switched off.")
    if connection.transport not in AVAILABLE_TRANSPORTS:
        raise ConnectionNotUsable(
            f"Connection {connection.name} uses {connection.transport}, which is not available in this version."
        )
    if connection.transport != transport:
        raise ConnectionNotUsable(f"Connection {connection.name} uses {connection.transport}, not {transport}.")
