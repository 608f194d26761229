"""
Where a message goes and how: from its type, external system, sender and connection to a call (`integration.md` 8.2).

The sender of the type comes first, then that of the system. A context value of the sender adds to the connection or
takes its place: headers, login, method, timeout, and the address parts HTTP_URL1 … HTTP_URL9, concatenated.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from foundation.crypto import UnableToDecrypt, decrypt
from outbound import queries
from outbound.choices import URL_CONTEXT_TYPES, BreakerState, ContextType
from outbound.message_queries import max_retries
from outbound.models import Connection, MessageSender, OutboundMessageType
from outbound.operations.message_clients import client_for
from outbound.operations.message_rows import KindsAndSystems, Message, MessageInHand
from outbound.retry import FaultType
from outbound.substitution import VariableMissing, substituted
from outbound.transports import rest
from outbound.transports.base import ConnectionNotUsable, TransportError


_LOOK_AGAIN = dt.timedelta(seconds=60)
# For so long what was read of the ways that messages go is taken for true, as a breaker is that was seen closed.
_FRESH = dt.timedelta(seconds=1)
_UNREADABLE = "The headers or the sender's values cannot be decrypted."


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


class WaitsForProbe(Exception):
    """The connection's breaker lets one call through first; this message waits for how that ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One call, ready to be made; `at_once` and `a_second` (None: no limit) are how wide its connection is used."""

    connection: str
    client: rest.RestClient = field(repr=False)
    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    timeout: float
    at_once: int
    a_second: float | None

    def __str__(self) -> str:
        return f"{self.connection}: {self.method} {self.path or '/'}"


def connection_name(message: Message) -> str:
    """Give the name of the connection that a message goes through."""
    system, sender = message.external_system, message.message_type.sender or message.external_system.sender
    for named in (sender and sender.connection, system.sender and system.sender.connection, system.connection):
        if named:
            return str(named.name)
    return system.name


@dataclass(slots=True, kw_only=True)
class _Route:
    """How the messages of one type and system go."""

    name: str
    connection: Connection
    sender: MessageSender | None
    context: Mapping[str, str] = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    clients: dict[str, rest.RestClient] = field(default_factory=dict)
    # The calls of messages that have nothing of their own in them, by what they have.
    targets: dict[tuple[str, str, str], Target] = field(default_factory=dict)
    probing: bool = False


class Routes(KindsAndSystems):
    """The ways of one batch: connections, senders and parameters are read once for all of its messages."""

    def __init__(self, *, at: dt.datetime) -> None:
        super().__init__()
        self._at = at
        self._routes: dict[tuple[int, int], _Route | HeldBack | UnableToAddress] = {}
        self._probing: set[str] = set()
        self._max_retries: dict[int, int] = {}

    def are_good(self, *, at: dt.datetime) -> bool:
        """Whether another batch may go by them: they were read a moment ago, and nothing is held back."""
        usable = all(isinstance(route, _Route) and not route.probing for route in self._routes.values())
        return usable and dt.timedelta(0) <= at - self._at < _FRESH

    def max_retries(self, kind: OutboundMessageType) -> int:
        """Give how often messages of a type are retried."""
        if kind.pk not in self._max_retries:
            self._max_retries[kind.pk] = max_retries(kind)
        return self._max_retries[kind.pk]

    def target_of(self, message: MessageInHand) -> Target:
        """
        Give the call that delivers a message, without making it.

        :raises HeldBack: when its connection cannot be used now.
        :raises WaitsForProbe: when another message of the batch finds out whether the target is well again.
        :raises UnableToAddress: when no call can be made of it.
        """
        route = self._route(message)
        alike = (message.path, message.method, message.media_type)
        if not message.kept_headers and alike in route.targets:
            return route.targets[alike]
        connection, context = route.connection, route.context
        own = _own_headers(message)
        base_url, path = _address(message, context, connection)
        client = route.clients.get(base_url)
        if client is None:
            client = route.clients[base_url] = self._client(route, base_url)
        if route.probing:
            if route.name in self._probing:
                raise WaitsForProbe(route.name)
            self._probing.add(route.name)
        timeout = float(connection.read_timeout)
        if ContextType.HTTP_TIMEOUT in context:
            timeout = min(float(context[ContextType.HTTP_TIMEOUT]), rest.MAX_TIMEOUT_SECONDS)
        target = Target(
            connection=route.name,
            client=client,
            method=message.method or context.get(ContextType.HTTP_METHOD, "") or message.message_type.method,
            path=path,
            headers={**route.headers, **own, "Content-Type": message.media_type},
            timeout=timeout,
            at_once=1 if route.probing else connection.max_concurrency,
            a_second=float(connection.rate_limit_per_second) if connection.rate_limit_per_second else None,
        )
        if not route.probing and not own and _is_alike(message, context):
            route.targets[alike] = target
        return target

    def _client(self, route: _Route, base_url: str) -> rest.RestClient:
        try:
            return client_for(route.connection, route.sender, route.context, base_url)
        except ConnectionNotUsable as error:
            raise HeldBack(str(error), connection=route.name, until=self._at + _LOOK_AGAIN) from error
        except TransportError as error:
            raise UnableToAddress(str(error)) from error

    def _route(self, message: MessageInHand) -> _Route:
        key = (message.message_type_id, message.external_system_id)
        if key not in self._routes:
            try:
                self._routes[key] = self._found(message)
            except (HeldBack, UnableToAddress) as reason:
                self._routes[key] = reason
        found = self._routes[key]
        if not isinstance(found, _Route):
            raise found
        return found

    def _found(self, message: MessageInHand) -> _Route:
        name = connection_name(message)
        connection = usable_connection(name, at=self._at)
        sender = message.message_type.sender or message.external_system.sender
        try:
            context, headers = _context(sender), _headers(sender)
        except UnableToDecrypt as error:
            raise UnableToAddress(_UNREADABLE) from error
        health = getattr(connection, "health", None)
        return _Route(
            name=name,
            connection=connection,
            sender=sender,
            context=context,
            headers=headers,
            probing=health is not None and health.state != BreakerState.CLOSED,
        )


def _is_alike(message: MessageInHand, context: Mapping[str, str]) -> bool:
    """Whether the address of a message has none of its values in it."""
    path = message.path or message.message_type.path
    return not any("{" in part for part in (path, *(context.get(name, "") for name in URL_CONTEXT_TYPES)))


def _own_headers(message: MessageInHand) -> dict[str, str]:
    kept = message.kept_headers
    if not kept:
        return {}
    try:
        return {str(key): str(value) for key, value in json.loads(decrypt(kept.encode())).items()}
    except UnableToDecrypt as error:
        raise UnableToAddress(_UNREADABLE) from error


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


def _address(message: MessageInHand, context: Mapping[str, str], connection: Connection) -> tuple[str, str]:
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
