"""The SFTP client of the product: `paramiko`'s, with every read and write under the current deadline."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import paramiko
from paramiko.sftp import CMD_CLOSE, CMD_DATA, CMD_HANDLE, CMD_NAME, CMD_OPENDIR, CMD_READ, CMD_READDIR, int64

from outbound.transports.sockets import apply_deadline


READ_BYTES = 32 * 1024


class DeadlineChannel:
    """A channel whose every read and write gets what is left of the current deadline."""

    def __init__(self, channel: paramiko.Channel, *, default: float) -> None:
        self._channel = channel
        self._default = default

    def recv(self, size: int) -> bytes:
        """Read what has arrived."""
        apply_deadline(self._channel, self._default)  # type: ignore[arg-type]  # it has a socket's settimeout
        return self._channel.recv(size)

    def send(self, data: bytes) -> int:
        """Write what fits."""
        apply_deadline(self._channel, self._default)  # type: ignore[arg-type]
        return self._channel.send(data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._channel, name)


class SftpClient(paramiko.SFTPClient):
    """Lists and reads in the calling thread, under its deadline, and bears names that are not UTF-8."""

    def entries(self, path: str) -> Iterator[tuple[str, paramiko.SFTPAttributes]]:
        """Read a directory page by page; a name that is not UTF-8 spoils itself alone."""
        kind, message = self._request(CMD_OPENDIR, path)
        if kind != CMD_HANDLE:
            raise paramiko.SFTPError("Expected a handle")
        handle = message.get_binary()
        try:
            while True:
                try:
                    kind, message = self._request(CMD_READDIR, handle)
                except EOFError:
                    return
                if kind != CMD_NAME:
                    raise paramiko.SFTPError("Expected names")
                for _ in range(message.get_int()):
                    name = message.get_binary().decode("utf-8", errors="surrogateescape")
                    message.get_binary()
                    yield name, paramiko.SFTPAttributes._from_msg(message)
        finally:
            with contextlib.suppress(OSError, EOFError, paramiko.SSHException):
                self._request(CMD_CLOSE, handle)

    def read_at(self, handle: bytes, at: int, wanted: int) -> bytes:
        """Read a stretch of a file with several requests under way; shorter only when the file ends."""
        stretches = [(start, min(READ_BYTES, at + wanted - start)) for start in range(at, at + wanted, READ_BYTES)]
        under_way = {
            self._async_request(type(None), CMD_READ, handle, int64(start), length): start
            for start, length in stretches
        }
        got: dict[int, bytes] = {}
        failure: Exception | None = None
        while under_way:
            kind, data = self._read_packet()
            message = paramiko.Message(data)
            start = under_way.pop(message.get_int(), -1)
            if kind == CMD_DATA and start >= 0:
                got[start] = message.get_binary()[:READ_BYTES]
                continue
            try:
                self._convert_status(message)
            except EOFError:
                got[start] = b""
            except OSError as error:
                failure = failure or error
        if failure is not None:
            raise failure
        whole = bytearray()
        for start, length in stretches:
            part = got.get(start, b"")
            if part and len(part) < length:
                # A server may give less than it is asked for, without having come to the end.
                part += self.read_at(handle, start + len(part), length - len(part))
            whole += part
            if len(part) < length:
                break
        return bytes(whole)
