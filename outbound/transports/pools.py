"""How `requests` is made to open its sockets through the guard and to read under the deadline."""

from __future__ import annotations

import http.client
import io
import socket
import ssl
from typing import Any, ClassVar

import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from outbound.transports.addresses import Guard
from outbound.transports.base import TargetNotTrusted, TargetTimedOut
from outbound.transports.sockets import DeadlineReader, apply_deadline, open_socket
from outbound.transports.tls_failures import tls_refusal


# A body up to this many bytes is copied behind the head of its request.
_TOGETHER = 64 * 1024


class _Read:
    """A socket whose file is read under the deadline."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock

    def makefile(self, mode: str) -> io.BufferedReader:
        return io.BufferedReader(DeadlineReader(self._sock))


class _DeadlineResponse(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(_Read(sock), *args, **kwargs)  # type: ignore[arg-type]  # it only asks for a file


class _InOneGo:
    """Sends the head of a request and a body of ordinary length together: one packet, and one wake-up of the target."""

    _held: list[bytes] | None = None

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **more: Any) -> None:
        """Send a request; see `urllib3.connection.HTTPConnection.request`."""
        ask: Any = super()
        if body is not None and not (isinstance(body, bytes) and len(body) <= _TOGETHER):
            ask.request(method, url, body, headers, **more)
            return
        self._held = []
        try:
            ask.request(method, url, body, headers, **more)
            held = b"".join(self._held)
        finally:
            self._held = None
        self.send(held)

    def send(self, data: Any) -> None:
        """Send a part of a request, or keep it until the others are there."""
        if self._held is None:
            self._send(data)
        else:
            self._held.append(data)

    def _send(self, data: Any) -> None:
        raise NotImplementedError


class _GuardedHTTPConnection(_InOneGo, HTTPConnection):
    response_class = _DeadlineResponse
    guard: ClassVar[Guard]
    connect_timeout: ClassVar[float]

    def _new_conn(self) -> socket.socket:
        return open_socket(
            host=self._dns_host, port=self.port or 80, guard=self.guard, connect_timeout=self.connect_timeout
        )

    def _send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        apply_deadline(self.sock)
        HTTPConnection.send(self, data)


class _GuardedHTTPSConnection(_InOneGo, HTTPSConnection):
    response_class = _DeadlineResponse
    guard: ClassVar[Guard]
    connect_timeout: ClassVar[float]
    shows_identity: ClassVar[bool]

    def _new_conn(self) -> socket.socket:
        return open_socket(
            host=self._dns_host, port=self.port or 443, guard=self.guard, connect_timeout=self.connect_timeout
        )

    def connect(self) -> None:
        # Whatever goes wrong up to here, nothing of the message was sent.
        try:
            super().connect()
        except TimeoutError:
            raise TargetTimedOut(f"{self.host}:{self.port} did not finish the TLS handshake.", sent=False) from None
        except (OSError, ssl.SSLError, urllib3.exceptions.HTTPError) as error:
            target = f"{self.host}:{self.port}"
            raise (
                tls_refusal(error, target=target, shows_identity=self.shows_identity)
                or TargetNotTrusted(f"{target} cannot be trusted: the TLS handshake was broken off: {error}.")
            ) from error

    def _send(self, data: Any) -> None:
        if self.sock is None:
            self.connect()
        apply_deadline(self.sock)
        try:
            HTTPSConnection.send(self, data)
        except OSError:
            self._hear_alert()
            raise

    def _hear_alert(self) -> None:
        """
        Read why the target hung up while it was written to.

        With TLS 1.3 a caller's certificate is refused after the handshake: the alert may wait to be read already.

        :raises ssl.SSLError: the alert, when there is one.
        """
        try:
            apply_deadline(self.sock)
            self.sock.recv(1)
        except ssl.SSLError as alert:
            if "ALERT" in str(alert.reason or ""):
                raise
        except OSError:
            return


def guarded_adapter(
    *, guard: Guard, connect_timeout: float, max_connections: int, context: ssl.SSLContext, shows_identity: bool
) -> HTTPAdapter:
    """
    Give a `requests` adapter whose sockets are guarded, that verifies with `context` and never retries.

    :param connect_timeout: seconds for resolving, connecting and the TLS handshake.
    :param shows_identity: whether `context` has a client certificate for a target that asks for one.
    """
    settings = {"guard": guard, "connect_timeout": connect_timeout, "shows_identity": shows_identity}
    plain = type("GuardedHTTPConnection", (_GuardedHTTPConnection,), settings)
    secure = type("GuardedHTTPSConnection", (_GuardedHTTPSConnection,), settings)
    pools = {
        "http": type("GuardedHTTPPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
        "https": type("GuardedHTTPSPool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
    }

    class GuardedAdapter(HTTPAdapter):
        def init_poolmanager(self, connections: int, maxsize: int, block: bool = False, **pool_kwargs: Any) -> None:
            super().init_poolmanager(connections, maxsize, block=block, ssl_context=context, **pool_kwargs)
            self.poolmanager.pool_classes_by_scheme = pools

        def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
            # The context alone decides whom to trust; requests would add its own bundle to it.
            conn.cert_reqs = "CERT_REQUIRED"
            conn.ca_certs = None

    return GuardedAdapter(pool_connections=1, pool_maxsize=max_connections, max_retries=0)
