"""Real servers on loopback that behave as badly as a test asks."""

from __future__ import annotations

import contextlib
import gzip
import http.server
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Seen:
    """One request as it arrived."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Peer:
    """A peer: what it saw, and what it does next."""

    port: int = 0
    seen: list[Seen] = field(default_factory=list)
    behave: Callable[[Any], None] | None = None
    connections: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    peer: Peer

    def setup(self) -> None:
        super().setup()
        self.peer.connections += 1

    def _serve(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.peer.seen.append(Seen(self.command, self.path, dict(self.headers.items()), body))
        (self.peer.behave or answer(200, b'{"ok": true}'))(self)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Stay silent."""


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up is what these tests are about."""


@contextlib.contextmanager
def serving(context: ssl.SSLContext | None = None) -> Iterator[Peer]:
    """Serve HTTP (or HTTPS) on a free port of 127.0.0.1."""
    peer = Peer()
    handler = type("Handler", (_Handler,), {"peer": peer})
    server = _Server(("127.0.0.1", 0), handler)
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    peer.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield peer
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def answer(status: int, body: bytes = b"", **headers: str) -> Callable[[Any], None]:
    """Answer plainly; header names with underscores."""

    def behave(handler: Any) -> None:
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return behave


def cut_body(handler: Any) -> None:
    """Declare more than is sent, then close."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"half": ')
    handler.close_connection = True


def cut_chunked_body(handler: Any) -> None:
    """Close in the middle of a chunked body."""
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"5\r\nhello\r\n")
    handler.close_connection = True


def reset(handler: Any) -> None:
    """Reset the TCP connection instead of answering."""
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()
    handler.close_connection = True


def drip_body(handler: Any) -> None:
    """Send the body byte by byte, each well within any timeout per read."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    with contextlib.suppress(OSError):
        for _ in range(1000):
            handler.wfile.write(b"x")
            time.sleep(0.05)


def drip_headers(handler: Any) -> None:
    """Never finish the headers."""
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    with contextlib.suppress(OSError):
        for number in range(1000):
            handler.wfile.write(f"X-{number}: y\r\n".encode())
            time.sleep(0.05)


def never(handler: Any) -> None:
    """Take the request and say nothing for longer than any test waits."""
    with contextlib.suppress(OSError):
        handler.connection.settimeout(10)
        handler.connection.recv(1)
    handler.close_connection = True


def huge(handler: Any) -> None:
    """Send far more than the cap without declaring a length."""
    handler.send_response(200)
    handler.send_header("Connection", "close")
    handler.end_headers()
    handler.close_connection = True
    with contextlib.suppress(OSError):
        for _ in range(64):
            handler.wfile.write(b"x" * 65536)


def gzip_bomb(handler: Any) -> None:
    """Send a small body that inflates to 50 MB."""
    body = gzip.compress(b"\0" * 50_000_000)
    answer(200, body, Content_Encoding="gzip")(handler)


def not_http(handler: Any) -> None:
    """Speak something else."""
    handler.wfile.write(b"SSH-2.0-OpenSSH_9.2\r\n")
    handler.close_connection = True
