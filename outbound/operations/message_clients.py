"""The HTTP clients of the queue: a connection's own, or one with what a sender puts in its place."""

from __future__ import annotations

import copy
import os
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from outbound.choices import ContextType, Transport
from outbound.guard import deployment_guard
from outbound.models import Connection, MessageSender
from outbound.transports import rest
from outbound.transports.usable import usable


def client_for(
    connection: Connection, sender: MessageSender | None, context: Mapping[str, str], base_url: str
) -> rest.RestClient:
    """
    Give this process's client of a connection as a sender uses it.

    :param context: the sender's values; a login of its own takes the place of the connection's.
    :param base_url: where its calls go: the connection's own address, or another one.
    :raises ConnectionNotUsable: when the connection is off, no REST connection, or incomplete.
    :raises TransportError: when the address can never be called.
    """
    login = ContextType.HTTP_LOGIN_USER in context
    if not login and base_url == connection.base_url:
        return rest.client(connection)
    usable(connection, Transport.REST)
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
