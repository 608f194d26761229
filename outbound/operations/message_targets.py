"""
Where a message goes and how: from its type, external system, sender and connection to a call (`integration.md` 8.2).

The sender of the type comes first, then that of the system. A context value of the sender adds to the connection or
takes its place: headers, login, method, timeout, and the address parts HTTP_URL1 … HTTP_URL9, concatenated.
"""

from __future__ import annotations

import copy
import datetime as dt
import json
import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from foundation.crypto import UnableToDecrypt
from outbound import queries
from outbound.choices import URL_CONTEXT_TYPES, BreakerState, ContextType, Transport
from outbound.guard import deployment_guard
from outbound.models import Connection, MessageSender, OutboundMessage
from outbound.retry import FaultType
from outbound.substitution import VariableMissing, substituted
from outbound.transports import rest
from outbound.transports.base import ConnectionNotUsable, TransportError
from outbound.transports.usable import usable


_LOOK_AGAIN = dt.timedelta(seconds=60)


class HeldBack(Exception):
    """The message waits: its connection is missing, off, paused, or its breaker is open. No retry is used."""

    def __init__(self, reason: str, *, connection: str, until: dt.datetime) -> None:
        super().__init__(reason)
        self.connection = connection
        self.until = until


class UnableToAddress(TransportError):
    """No call can be made of the message as it stands: nothing was sent."""

    fault = FaultType.TECHNICAL
    permanent = True
    sent = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One call, ready to be made."""

    connection: str
    client: rest.RestClient = field(repr=False)
    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    timeout: float

    def __str__(self) -> str:
        return f"{self.connection}: {self.method} {self.path or '/'}"


def connection_name(message: OutboundMessage) -> str:
    """Give the name of the connection that a message goes through."""
    system, sender = message.external_system, message.message_type.sender or message.external_system.sender
    for named in (sender and sender.connection, system.sender and system.sender.connection, system.connection):
        if named:
            return str(named.name)
    return system.name


def target_of(message: OutboundMessage, *, at: dt.datetime) -> Target:
    """
    Give the call that delivers a message, without making it.

    :raises HeldBack: when its connection cannot be used now.
    :raises TransportError: when no call can be made of it.
    """
    name = connection_name(message)
    connection = usable_connection(name, at=at)
    sender = message.message_type.sender or message.external_system.sender
    try:
        context = _context(sender)
        own = {str(key): str(value) for key, value in json.loads(message.headers or "{}").items()}
    except UnableToDecrypt as error:
        raise UnableToAddress("The headers or the sender's values cannot be decrypted.") from error
    base_url, path = _address(message, context, connection)
    client = _client(connection, sender, context, base_url, at=at)
    timeout = float(connection.read_timeout)
    if ContextType.HTTP_TIMEOUT in context:
        timeout = min(float(context[ContextType.HTTP_TIMEOUT]), rest.MAX_TIMEOUT_SECONDS)
    return Target(
        connection=name,
        client=client,
        method=message.method or context.get(ContextType.HTTP_METHOD, "") or message.message_type.method,
        path=path,
        headers={**_headers(sender), **own, "Content-Type": message.media_type},
        timeout=timeout,
    )


def usable_connection(name: str, *, at: dt.datetime) -> Connection:
    """
    Give a connection that calls may go through now.

    :raises HeldBack: when there is none of this name, it is off or paused, or its breaker is open.
    """
    later = at + _LOOK_AGAIN
    try:
        connection = queries.connection(name)
    except queries.UnknownConnection as error:
        raise HeldBack(f"{error} Messages wait until it is there.", connection=name, until=later) from None
    except UnableToDecrypt:
        reason = f"The secrets of connection {name} cannot be decrypted: enter them anew."
        raise HeldBack(reason, connection=name, until=later) from None
    if not connection.enabled:
        raise HeldBack(f"Connection {name} is switched off.", connection=name, until=later)
    if connection.held:
        raise HeldBack(f"Connection {name} is paused.", connection=name, until=later)
    health = getattr(connection, "health", None)
    ends = _breaker_ends(health, at) if health is not None else None
    if health is not None and ends is not None and ends > at:
        why = "its target refused the credentials" if health.credentials_refused else "its target failed repeatedly"
        raise HeldBack(
            f"Connection {name} is held back by its circuit breaker: {why} ({health.last_error}).",
            connection=name,
            until=ends,
        )
    return connection


def works(name: str, *, at: dt.datetime) -> bool:
    """Whether a connection is usable and its breaker is closed: what it holds back may go."""
    try:
        health = getattr(usable_connection(name, at=at), "health", None)
    except HeldBack:
        return False
    return health is None or health.state == BreakerState.CLOSED


def zone_of(name: str) -> str:
    """Give the zone that a connection lies in; empty when in none."""
    return Connection.objects.filter(name=name).values_list("zone", flat=True).first() or ""


def _breaker_ends(health: Any, at: dt.datetime) -> dt.datetime | None:
    if health.state == BreakerState.CLOSED:
        return None
    reset = dt.timedelta(seconds=float(queries.parameter("BREAKER_RESET_SECONDS")))
    if health.state == BreakerState.HALF_OPEN:
        # Another call is probing: its outcome is known soon, usually long before its lease ends.
        return at + min(reset, max((health.probe_until or at) - at, dt.timedelta(0)))
    return (health.opened_at or at) + reset


def _context(sender: MessageSender | None) -> dict[str, str]:
    if sender is None:
        return {}
    return dict(sender.context.exclude(context_type=ContextType.HTTP_HEADER).values_list("context_type", "value"))


def _headers(sender: MessageSender | None) -> dict[str, str]:
    if sender is None:
        return {}
    lines = sender.context.filter(context_type=ContextType.HTTP_HEADER).order_by("id").values_list("value", flat=True)
    return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}


def _address(message: OutboundMessage, context: Mapping[str, str], connection: Connection) -> tuple[str, str]:
    values = {**message.context, "messageId": message.message_id, "key": message.key}
    written = "".join(context.get(part, "") for part in URL_CONTEXT_TYPES)
    try:
        address = substituted(written, values)
        path = substituted(message.path or ("" if written else message.message_type.path), values)
    except VariableMissing as error:
        raise UnableToAddress(str(error)) from error
    if "://" not in address:
        return connection.base_url, _joined(address, path)
    parts = urlsplit(address)
    rest_of_it = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return f"{parts.scheme}://{parts.netloc}", _joined(rest_of_it, path)


def _joined(first: str, second: str) -> str:
    if not first or not second:
        return first or second
    return f"{first.rstrip('/')}/{second.lstrip('/')}"


def _client(
    connection: Connection, sender: MessageSender | None, context: Mapping[str, str], base_url: str, *, at: dt.datetime
) -> rest.RestClient:
    login = ContextType.HTTP_LOGIN_USER in context
    try:
        if not login and base_url == connection.base_url:
            return rest.client(connection)
        usable(connection, Transport.REST)
    except ConnectionNotUsable as error:
        raise HeldBack(str(error), connection=connection.name, until=at + _LOOK_AGAIN) from error
    own = copy.copy(connection)
    own.base_url = base_url
    if login:
        own.username = context[ContextType.HTTP_LOGIN_USER]
        own.password = context.get(ContextType.HTTP_LOGIN_PASSWORD, "")
    elif _origin(base_url) != _origin(connection.base_url):
        # The connection's credentials are for its own target alone.
        own.username = own.password = ""
    return _kept_client(own, sender)


def _origin(address: str) -> tuple[str, str]:
    parts = urlsplit(address)
    return parts.scheme.lower(), parts.netloc.lower()


_clients: dict[tuple[int, int], tuple[Any, rest.RestClient]] = {}
_lock = threading.Lock()
_MAX_CLIENTS = 100


def _kept_client(connection: Connection, sender: MessageSender | None) -> rest.RestClient:
    guard = deployment_guard()
    identity = (connection.pk, sender.pk if sender else 0)
    fingerprint = (*connection.wire_settings(), guard)
    with _lock:
        kept = _clients.get(identity)
        if kept is not None and kept[0] == fingerprint:
            return kept[1]
        if len(_clients) >= _MAX_CLIENTS:
            _clients.clear()
        made = rest.RestClient(connection, guard=guard)
        _clients[identity] = (fingerprint, made)
    return made


def _forget_inherited_clients() -> None:
    # A child process must not share its parent's sockets.
    global _lock
    _lock = threading.Lock()
    _clients.clear()


os.register_at_fork(after_in_child=_forget_inherited_clients)
