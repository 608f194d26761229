"""A door with two-way TLS before a peer that speaks plain HTTP: who shows no certificate of its authority stays out."""

from __future__ import annotations

import contextlib
import socket
import ssl
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

from tests.factories import certificates as made


HOST = "127.0.0.1"
_CHUNK = 65_536


@dataclass
class TlsDoor:
    """The door: where it is, and the subjects of those who came in."""

    port: int
    authority: made.Issued
    callers: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"https://{HOST}:{self.port}"


@contextlib.contextmanager
def two_way_tls(peer_port: int) -> Iterator[TlsDoor]:
    """Open a door before the peer on a port of this machine while the block runs."""
    authority = made.authority()
    context = _context(authority)
    with socket.create_server((HOST, 0)) as listening:
        door = TlsDoor(port=listening.getsockname()[1], authority=authority)
        thread = threading.Thread(target=_serve, args=(listening, context, peer_port, door), daemon=True)
        thread.start()
        yield door
        # Wakes the thread that waits for a caller.
        listening.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def _context(authority: made.Issued) -> ssl.SSLContext:
    server = made.issued(authority, "CN=two-way", address=HOST)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile(suffix=".pem") as file:
        file.write(made.pem(server) + made.key_pem(server))
        file.flush()
        context.load_cert_chain(file.name)
    context.load_verify_locations(cadata=made.pem(authority).decode())
    context.verify_mode = ssl.CERT_REQUIRED
    return context


def _serve(listening: socket.socket, context: ssl.SSLContext, peer_port: int, door: TlsDoor) -> None:
    while True:
        try:
            plain, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=_caller, args=(plain, context, peer_port, door), daemon=True).start()


def _caller(plain: socket.socket, context: ssl.SSLContext, peer_port: int, door: TlsDoor) -> None:
    # A caller that is refused, or goes away, is what these tests are about.
    with contextlib.suppress(OSError), context.wrap_socket(plain, server_side=True) as caller:
        shown = dict(pair for part in (caller.getpeercert() or {})["subject"] for pair in part)
        door.callers.append(shown["commonName"])
        with socket.create_connection((HOST, peer_port)) as peer:
            back = threading.Thread(target=_pass_on, args=(peer, caller), daemon=True)
            back.start()
            _pass_on(caller, peer)
            back.join()


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(_CHUNK):
            target.sendall(chunk)
    with contextlib.suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)
