"""
Calling Tieline's own addresses without a socket: the base address `tieline:///dacs` is `/dacs` of this very process.

The two sides that may live under one roof (the hub, and the DACS side in `assets`) speak to each other through their
HTTP interfaces, as they would on two machines: same addresses, same bodies, same queue and breaker around the call.
What is spared is the socket, and with it the web process that would have to wait for a free thread of its own.
"""

from __future__ import annotations

import contextvars
import io
import threading
from collections.abc import Iterable, Mapping
from typing import Any, cast
from urllib.parse import unquote_to_bytes, urlsplit

import requests
import urllib3
from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.handlers.base import BaseHandler
from django.core.handlers.wsgi import WSGIRequest
from django.http import HttpResponse
from requests.adapters import HTTPAdapter

from foundation.api.authentication import IN_PROCESS_ACCOUNT
from outbound.choices import IN_PROCESS_PREFIX
from outbound.transports.base import ConnectionNotUsable


SCHEME = "tieline"
PREFIX = IN_PROCESS_PREFIX

_lock = threading.Lock()
_handler: BaseHandler | None = None


class InProcessAdapter(HTTPAdapter):
    """
    A `requests` adapter that hands requests to the product itself, under a named account.

    The account is the connection's user name; it may be no staff member and no superuser, so that whoever may edit a
    connection gains no rights by it. No password is needed or looked at.
    """

    def __init__(self, *, connection: str, username: str) -> None:
        super().__init__(max_retries=0)
        self._connection = connection
        self._username = username

    def send(
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """
        Give the product's answer to a request.

        :raises ConnectionNotUsable: when the connection's account is none that may call.
        """
        environ = _environment(request, account=account_of(connection=self._connection, username=self._username))
        # A context of its own: what the inner request binds (log fields, language) ends with it.
        status, headers, body = contextvars.copy_context().run(_answered, environ)
        raw = urllib3.HTTPResponse(
            body=io.BytesIO(body), headers=headers, status=status, preload_content=False, decode_content=False
        )
        return self.build_response(request, raw)


def account_of(*, connection: str, username: str) -> int:
    """
    Give the id of the account under which a connection calls the product itself.

    :raises ConnectionNotUsable: when there is no such active account, or it has more rights than a peer.
    """
    model = get_user_model()
    account = model._default_manager.filter(**{model.USERNAME_FIELD: username}).first()
    if account is None or not account.is_active:
        raise ConnectionNotUsable(
            f"Connection {connection} calls Tieline itself as {username or 'nobody'}: there is no such active "
            "account. Set its user name to one with the role Peer system."
        )
    if account.is_staff or account.is_superuser:
        raise ConnectionNotUsable(
            f"Connection {connection} calls Tieline itself as {username}, who may use the admin: set its user name "
            "to an account that only has the role Peer system."
        )
    return int(account.pk)


def is_in_process(base_url: str) -> bool:
    """Whether a base address means this very process."""
    return base_url.lower().startswith(PREFIX)


def _answered(environ: dict[str, Any]) -> tuple[int, dict[str, str], bytes]:
    response = _the_handler().get_response(WSGIRequest(environ))
    body = response.content if isinstance(response, HttpResponse) else b"".join(cast("Iterable[bytes]", response))
    # The response is not closed: that would end the request that this call is a part of.
    return response.status_code, dict(response.items()), body


def _the_handler() -> BaseHandler:
    global _handler
    with _lock:
        if _handler is None:
            made = BaseHandler()
            made.load_middleware()
            _handler = made
        return _handler


def _environment(request: requests.PreparedRequest, *, account: int) -> dict[str, Any]:
    parts = urlsplit(str(request.url))
    body = request.body or b""
    if isinstance(body, str):
        body = body.encode()
    elif not isinstance(body, bytes):
        body = b"".join(body)
    environ = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(parts.path).decode("latin-1"),
        "QUERY_STRING": parts.query,
        "SERVER_NAME": _host(),
        "SERVER_PORT": "443",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.url_scheme": "https",
        "wsgi.input": io.BytesIO(body),
        IN_PROCESS_ACCOUNT: account,
    }
    for name, value in request.headers.items():
        key = name.upper().replace("-", "_")
        if key == "CONTENT_TYPE":
            environ[key] = _text(value)
        elif key not in ("CONTENT_LENGTH", "AUTHORIZATION", "HOST"):
            environ[f"HTTP_{key}"] = _text(value)
    return environ


def _text(value: str | bytes) -> str:
    return value.decode("latin-1") if isinstance(value, bytes) else value


def _host() -> str:
    for allowed in settings.ALLOWED_HOSTS:
        if allowed != "*":
            return str(allowed).lstrip(".")
    return "localhost"
