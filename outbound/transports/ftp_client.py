"""The FTP client of the product: `ftplib`'s, with guarded sockets and every read and write under the deadline."""

from __future__ import annotations

import ftplib
import io
import socket
import ssl
from typing import Any, cast

from outbound.transports.addresses import Guard
from outbound.transports.sockets import DeadlineReader, apply_deadline, open_socket


class GuardedFtp(ftplib.FTP):
    """`ftplib` with guarded sockets, every read and write under the current deadline."""

    def __init__(self, *, guard: Guard, connect_timeout: float, **options: Any) -> None:
        self._guard = guard
        self._connect_timeout = connect_timeout
        super().__init__(**options)

    def reach(self, host: str, port: int) -> str:
        """Connect and give the greeting."""
        self.host, self.port = host, port
        self.sock = open_socket(host=host, port=port, guard=self._guard, connect_timeout=self._connect_timeout)
        self.af = self.sock.family
        self.read_replies()
        self.welcome = self.getresp()
        return self.welcome

    def read_replies(self) -> None:
        """Read replies from the socket as it is now; what was buffered of it before is dropped."""
        raw = io.BufferedReader(DeadlineReader(cast("socket.socket", self.sock)))
        self.file = io.TextIOWrapper(raw, encoding="utf-8", errors="surrogateescape", newline="")

    def putline(self, line: str) -> None:
        """Send one line; `ftplib` refuses line breaks in it."""
        apply_deadline(cast("socket.socket", self.sock))
        super().putline(line)

    def begin(self, command: str) -> socket.socket:
        """Open a data connection for a command, to the host of the control connection whatever the server says."""
        _, port = self.makepasv()
        host = cast("socket.socket", self.sock).getpeername()[0]
        sock = open_socket(host=host, port=port, guard=self._guard, connect_timeout=self._connect_timeout)
        try:
            reply = self.sendcmd(command)
            if reply[0] == "2":
                reply = self.getresp()
            _expect_preliminary(reply)
            apply_deadline(sock)
            return self.wrap(sock)
        except BaseException:
            sock.close()
            raise

    def wrap(self, sock: socket.socket) -> socket.socket:
        """Secure a data connection: not with plain FTP."""
        return sock


class GuardedFtps(GuardedFtp, ftplib.FTP_TLS):
    """The same with explicit TLS on both channels."""

    def auth(self) -> str:
        """Secure the control connection before anything of the login is sent."""
        apply_deadline(cast("socket.socket", self.sock))
        reply = super().auth()
        self.read_replies()
        return reply

    def wrap(self, sock: socket.socket) -> socket.socket:
        """Secure a data connection, as a continuation of the control connection's TLS session."""
        session = cast("ssl.SSLSocket", self.sock).session
        return self.context.wrap_socket(sock, server_hostname=self.host, session=session)


def _expect_preliminary(reply: str) -> None:
    if reply[0] != "1":
        raise ftplib.error_reply(reply)  # noqa: S321  the error is named, nothing is called
