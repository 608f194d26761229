"""
The one way a socket to a target is opened: checked address, deadline over everything (`reliability.md` P2, S1).

Timeouts of sockets count per read, so a target that sends a byte now and then holds a worker for ever. Here every
read and write gets what is left of the call's total deadline.
"""

from __future__ import annotations

import contextlib
import io
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from dataclasses import dataclass

import certifi

from outbound.transports.addresses import Guard, resolve
from outbound.transports.base import ConnectionNotUsable, TargetTimedOut, TargetUnreachable


@dataclass(frozen=True, slots=True)
class Deadline:
    """A point of monotonic time, in seconds, until which a call may last."""

    ends: float
    clock: Callable[[], float] = time.monotonic

    @classmethod
    def after(cls, seconds: float, clock: Callable[[], float] = time.monotonic) -> Deadline:
        """Give the deadline that lies so many seconds ahead."""
        return cls(clock() + seconds, clock)

    def remaining(self) -> float:
        """
        Give the seconds that are left.

        :raises TimeoutError: when there are none.
        """
        left = self.ends - self.clock()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        return left


_current: ContextVar[Deadline | None] = ContextVar("outbound_deadline", default=None)


@contextlib.contextmanager
def deadline(limit: Deadline) -> Iterator[Deadline]:
    """Put everything that this thread does on guarded sockets under one deadline."""
    token = _current.set(limit)
    try:
        yield limit
    finally:
        _current.reset(token)


def apply_deadline(sock: socket.socket, default: float | None = None) -> None:
    """
    Give the socket what is left of the current deadline as its timeout.

    :raises TimeoutError: when nothing is left.
    """
    limit = _current.get()
    if limit is not None:
        sock.settimeout(limit.remaining())
    elif default is not None:
        sock.settimeout(default)


class DeadlineReader(io.RawIOBase):
    """Reads from a socket; each read gets what is left of the current deadline."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__()
        self._sock = sock
        # Keeps the socket open until this file is closed, as `makefile` does.
        self._raw = sock.makefile("rb", buffering=0)

    def readable(self) -> bool:
        """Whether this can be read: always."""
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int | None:  # type: ignore[override]
        """
        Read what has arrived.

        :raises TimeoutError: when the deadline passes first.
        """
        apply_deadline(self._sock)
        return self._raw.readinto(buffer)

    def close(self) -> None:
        """Close the file, and the socket with its last file."""
        if not self.closed:
            self._raw.close()
        super().close()


def open_socket(*, host: str, port: int, guard: Guard, connect_timeout: float) -> socket.socket:
    """
    Connect to a host: resolve, check all its addresses, connect to one of exactly these.

    :param connect_timeout: seconds for resolving and connecting together; the current deadline may be nearer.
    :raises TargetNotAllowed: when any of the addresses may not be called.
    :raises TargetUnreachable: when the name does not resolve or nobody accepts.
    :raises TargetTimedOut: when it takes too long.
    """
    limit = Deadline.after(connect_timeout)
    addresses = resolve(host, port, timeout=connect_timeout)
    guard.check_all(addresses)
    failure: OSError | None = None
    for address in addresses:
        try:
            timeout = limit.remaining()
            whole = _current.get()
            if whole is not None:
                timeout = min(timeout, whole.remaining())
            return _connect(address, port, timeout, guard)
        except OSError as error:
            failure = error
    if isinstance(failure, TimeoutError):
        raise TargetTimedOut(f"{host}:{port} did not accept the connection within {connect_timeout:g} s.", sent=False)
    reason = failure.strerror or str(failure) if failure else "no address"
    raise TargetUnreachable(f"{host}:{port} cannot be reached: {reason}.")


def _connect(address: str, port: int, timeout: float, guard: Guard) -> socket.socket:
    family, kind, protocol, _, target = socket.getaddrinfo(
        address, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST
    )[0]
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(timeout)
        sock.connect(target)
        # Asked of the socket itself: whatever happened on the way, this is who listens.
        guard.check(str(sock.getpeername()[0]))
    except BaseException:
        sock.close()
        raise
    return sock


def tls_context(ca_bundle: str) -> ssl.SSLContext:
    """
    Give a context that verifies certificate and name and speaks TLS 1.2 or newer.

    :param ca_bundle: PEM text; when given, only these authorities are trusted.
    :raises ConnectionNotUsable: when the text holds no certificate.
    """
    try:
        if ca_bundle:
            context = ssl.create_default_context(cadata=ca_bundle)
        else:
            context = ssl.create_default_context(cafile=certifi.where())
    except (ssl.SSLError, ValueError) as error:
        raise ConnectionNotUsable(f"The CA bundle cannot be read as PEM certificates: {error}") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def causes(error: BaseException) -> Iterator[BaseException]:
    """Give an error and everything that it wraps: causes, contexts, reasons and arguments."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        found = waiting.pop(0)
        if not isinstance(found, BaseException) or id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        waiting += [found.__cause__, found.__context__, getattr(found, "reason", None), *found.args]
